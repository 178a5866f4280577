from flask import Blueprint

views = Blueprint("orders", __name__)
