from flask import Blueprint

views = Blueprint("badge", __name__)
