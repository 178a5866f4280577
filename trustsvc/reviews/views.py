from flask import Blueprint

views = Blueprint("reviews", __name__)
