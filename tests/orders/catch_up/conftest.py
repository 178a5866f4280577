import pytest

from tests.orders.catch_up.connected_shop import ConnectedShop
from tests.orders.catch_up.platform_api import PlatformApi


@pytest.fixture
def connected(installation):
    """Connect shops to stand-in APIs; gives a function of the platform."""
    made = []

    def connect(platform, **options):
        made.append(ConnectedShop(PlatformApi(platform, **options)))
        return made[-1]

    yield connect
    for one in made:
        one.api.close()
