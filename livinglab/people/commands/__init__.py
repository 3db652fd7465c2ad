"""Writes of the people room."""

from livinglab.people.commands.accounts import (
    add_person,
    change_profile,
    confirm_address,
    confirm_email_change,
    create_admin,
    disown,
    register_person,
    request_email_change,
    send_confirmation_again,
    set_digest,
    set_photo,
)
from livinglab.people.commands.links import Arrived, end_devices, void_links
from livinglab.people.commands.roles import end_role, grant_role
from livinglab.people.commands.signing import (
    change_password,
    check_current,
    close_device,
    open_device,
    person_row,
    request_link,
    reset_password,
    sign_in,
    use_sign_in_link,
)

__all__ = [
    "Arrived",
    "add_person",
    "change_password",
    "change_profile",
    "check_current",
    "close_device",
    "confirm_address",
    "confirm_email_change",
    "create_admin",
    "disown",
    "end_devices",
    "end_role",
    "grant_role",
    "open_device",
    "person_row",
    "register_person",
    "request_email_change",
    "request_link",
    "reset_password",
    "send_confirmation_again",
    "set_digest",
    "set_photo",
    "sign_in",
    "use_sign_in_link",
    "void_links",
]
