"""Recognise the error that WooCommerce signs and sends where it may not show the order.

A webhook reads orders as the WordPress user who saved it. When that user is deleted or loses the
role, each delivery is a WP_Error instead: woocommerce/woocommerce issues 37806, 26926 and 18695.
"""

from trustsvc.orders.platforms import fields

_WP_ERROR = {"code", "message", "data", "additional_errors", "additional_data"}


def is_woocommerce_error(tree: fields.Tree) -> bool:
    """Whether this is a WP_Error of the REST API, of any code, or one of the legacy API."""
    if set(tree) <= {"errors", "http_status"}:
        return bool(tree) and isinstance(tree.get("errors"), dict | list) and bool(tree["errors"])
    code = tree.get("code")
    return isinstance(code, str) and bool(code) and set(tree) <= _WP_ERROR and "message" in tree
