from flask import Blueprint

views = Blueprint("staff", __name__)
