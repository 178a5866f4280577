from flask import Blueprint

views = Blueprint("invitations", __name__)
