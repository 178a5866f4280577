from tests.processes.conftest import _services, service, service_environ, shared_service

__all__ = ["_services", "service", "service_environ", "shared_service"]
