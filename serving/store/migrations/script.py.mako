"""${message}"""

from alembic import op
import sqlalchemy as sa

from serving.store.schema import Moment

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
