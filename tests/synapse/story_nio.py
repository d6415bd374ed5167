"""A bot of matrix-nio, which knows nothing but the legacy login, against a real Synapse (area 12): password, a room, a message there
and back, logout; a second login of the same person watches the first one's device go."""

import asyncio
import os
import time

from nio import AsyncClient, LoginInfoResponse, LoginResponse, LogoutResponse, WhoamiError, WhoamiResponse

HOMESERVER = os.environ["HOMESERVER_BASE"].rstrip("/")
USER_ID = f"@{os.environ['KEYMAKER_USER']}:{os.environ['SERVER_NAME']}"
PASSWORD = os.environ["KEYMAKER_PASSWORD"]


async def log_in(name):
    client = AsyncClient(HOMESERVER, USER_ID)
    answer = await client.login(PASSWORD, device_name=name)
    assert isinstance(answer, LoginResponse), answer
    assert answer.user_id == USER_ID, answer
    return client


async def devices(client):
    return {device.id: device.display_name for device in (await client.devices()).devices}


async def main():
    stranger = AsyncClient(HOMESERVER, USER_ID)
    flows = await stranger.login_info()
    assert isinstance(flows, LoginInfoResponse) and "m.login.password" in flows.flows, flows
    refused = await stranger.login("not the password")
    assert refused.status_code == "M_FORBIDDEN", refused

    bot = await log_in("A bot")
    await bot.sync(timeout=0, full_state=True)
    room = await bot.room_create(name="The workshop")
    sent = await bot.room_send(room.room_id, "m.room.message", {"msgtype": "m.text", "body": "Is anyone there?"})
    synced = await bot.sync(timeout=0)
    events = synced.rooms.join[room.room_id].timeline.events
    assert [event.body for event in events if event.event_id == sent.event_id] == ["Is anyone there?"], events

    witness = await log_in("A witness")
    assert await devices(witness) == {bot.device_id: "A bot", witness.device_id: "A witness"}
    device_id, token = bot.device_id, bot.access_token
    answer = await bot.logout()
    assert isinstance(answer, LogoutResponse), answer

    limit = time.monotonic() + 20
    while device_id in await devices(witness):
        assert time.monotonic() < limit, "the device is still on the homeserver 20 s after logout"
        await asyncio.sleep(0.1)
    bot.restore_login(USER_ID, device_id, token)
    answer = await bot.whoami()
    assert isinstance(answer, WhoamiError) and answer.status_code == "M_UNKNOWN_TOKEN", answer
    answer = await witness.whoami()
    assert isinstance(answer, WhoamiResponse) and answer.device_id == witness.device_id, answer
    for client in (stranger, bot, witness):
        await client.close()


asyncio.run(main())
