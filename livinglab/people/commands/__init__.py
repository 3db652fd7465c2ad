"""Writes of the people room."""

from livinglab.people.commands.accounts import (
    confirm_address,
    confirm_email_change,
    disown,
    register_person,
    request_email_change,
    send_confirmation_again,
)
from livinglab.people.commands.given import add_person, create_admin
from livinglab.people.commands.links import Arrived, end_devices, mail_path, void_links
from livinglab.people.commands.profile import change_profile, set_digest, set_photo
from livinglab.people.commands.roles import end_role, grant_role
from livinglab.people.commands.rows import lock_actor, lock_people, may_mail, person_row
from livinglab.people.commands.signing import (
    change_password,
    check_current,
    close_device,
    open_device,
    renew_device,
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
    "lock_actor",
    "lock_people",
    "mail_path",
    "may_mail",
    "open_device",
    "person_row",
    "register_person",
    "renew_device",
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
