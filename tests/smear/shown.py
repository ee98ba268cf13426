"""What the portal makes of a refusal of ``smear.decode``: its words, and the HTTP status they come with."""

from http import HTTPStatus

from portal.cases.pictures import STATUS
from portal.words import in_words
from smear.contract import Message
from smear.decode import ImageRejected


def said(message: Message) -> str:
    return in_words(message)


def status(error: ImageRejected) -> int:
    return int(STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY))
