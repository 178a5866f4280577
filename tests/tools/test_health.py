from trustsvc import clock, config, db, heartbeat, migrations


def beat(moment):
    with db.transaction() as session:
        heartbeat.beat(session, "clock", moment)


def test_alive_says_so(client):
    answer = client.get("/livez")

    assert answer.json == {"status": "ok"}


def test_ready_when_everything_answers(client):
    beat(clock.now())

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert set(answer.json["checks"].values()) == {"ok"}


def test_not_ready_without_a_clock(client):
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["clock"].startswith("late")


def test_not_ready_when_a_migration_is_missing(client):
    beat(clock.now())
    migrations.downgrade("base")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["migrations"] != "ok"


def test_not_ready_without_redis(client, house):
    beat(clock.now())
    config.use(
        config.load(
            {
                "TRUSTSVC_DATA": str(house.data),
                "TRUSTSVC_DATABASE_URL": house.database_url,
                "TRUSTSVC_REDIS_URL": "unix:///nowhere.sock",
            }
        )
    )

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["redis"] != "ok"


def test_security_txt_says_whom_to_tell(client, house):
    text = client.get("/.well-known/security.txt").text

    assert f"Contact: mailto:{house.contact}" in text
    assert "Expires: " in text
