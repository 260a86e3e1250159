"""A browser without scripts: cookies, links and forms."""

import re
from typing import Any, Self

from fastapi.testclient import TestClient
from httpx import Response

from tests.serving.conftest import PASSWORD


class Visitor:
    """Somebody who follows links and sends forms."""

    def __init__(self, client: TestClient) -> None:
        """With the cookies of a client."""
        self.client = client
        self.answer: Response

    @classmethod
    def beside(cls, client: TestClient) -> Self:
        """Somebody else at the same server."""
        return cls(TestClient(client.app, str(client.base_url)))

    def get(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        self.answer = self.client.get(path)
        assert self.answer.status_code == status, self.answer.text
        return self.answer.text

    def post(self, path: str, status: int = 200, **fields: Any) -> str:
        """What is answered to a form of the page that is open."""
        token = re.search(r'name="form_token" value="(\w+)"', self.answer.text)
        assert token
        self.answer = self.client.post(path, data={"form_token": token[1], "queue": "", **fields})
        assert self.answer.status_code == status, self.answer.text
        return self.answer.text

    def sign_in(self, user: str, password: str = PASSWORD, status: int = 200) -> str:
        """The page after it."""
        self.get("/console/sign-in")
        return self.post("/console/sign-in", status, user=user, password=password, next="/console")
