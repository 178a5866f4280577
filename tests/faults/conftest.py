from tests.walks.conftest import service, service_environ

__all__ = ["service", "service_environ"]
