"""The subjects most labs begin with, in the four languages; a lab changes them as it likes."""

from __future__ import annotations

USUAL_CATEGORIES: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "mobility",
        {
            "nb": "Reiser og transport",
            "sv": "Resor och transport",
            "fi": "Liikkuminen",
            "en": "Getting around",
        },
    ),
    ("culture", {"nb": "Kultur", "sv": "Kultur", "fi": "Kulttuuri", "en": "Culture"}),
    ("trade", {"nb": "Handel", "sv": "Handel", "fi": "Kauppa", "en": "Trade"}),
    ("digital", {"nb": "Digitalt", "sv": "Digitalt", "fi": "Digitaalisuus", "en": "Digital"}),
    (
        "wellbeing",
        {"nb": "Helse og trivsel", "sv": "Hälsa och trivsel", "fi": "Hyvinvointi", "en": "Wellbeing"},
    ),
    (
        "accessibility",
        {"nb": "Tilgjengelighet", "sv": "Tillgänglighet", "fi": "Esteettömyys", "en": "Accessibility"},
    ),
    ("environment", {"nb": "Miljø", "sv": "Miljö", "fi": "Ympäristö", "en": "Environment"}),
    (
        "youth",
        {"nb": "Barn og unge", "sv": "Barn och unga", "fi": "Lapset ja nuoret", "en": "Children and youth"},
    ),
    ("elderly", {"nb": "Eldre", "sv": "Äldre", "fi": "Ikäihmiset", "en": "Older people"}),
    ("safety", {"nb": "Trygghet", "sv": "Trygghet", "fi": "Turvallisuus", "en": "Safety"}),
    ("tourism", {"nb": "Besøkende", "sv": "Besökare", "fi": "Matkailu", "en": "Visitors"}),
    (
        "sport",
        {
            "nb": "Idrett og friluft",
            "sv": "Idrott och friluft",
            "fi": "Liikunta ja ulkoilu",
            "en": "Sport and outdoors",
        },
    ),
    (
        "communication",
        {
            "nb": "Språk og kommunikasjon",
            "sv": "Språk och kommunikation",
            "fi": "Viestintä ja neuvonta",
            "en": "Language and communication",
        },
    ),
    (
        "volunteering",
        {"nb": "Frivillighet", "sv": "Frivillighet", "fi": "Vapaaehtoisuus", "en": "Volunteering"},
    ),
)
