from flask import Blueprint

views = Blueprint("privacy", __name__)
