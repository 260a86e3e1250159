"""The console's addresses."""

from fastapi import APIRouter

from serving.console import (
    account_routes,
    case_routes,
    model_routes,
    overview_routes,
    policy_routes,
    queue_routes,
    sign_in,
)
from serving.console.visit import ConsoleRoute

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
for module in (
    sign_in,
    queue_routes,
    case_routes,
    account_routes,
    overview_routes,
    policy_routes,
    model_routes,
):
    router.include_router(module.router)
