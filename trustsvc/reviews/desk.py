from flask import Blueprint

desk = Blueprint("reviews_desk", __name__)
