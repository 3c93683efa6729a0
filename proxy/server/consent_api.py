"""Our own addresses, under /.consent/ on every site: the panel, choices, the policy, proofs.

Pages of ours hold nothing of anybody else, are never kept by caches and never framed.
GET changes nothing (threats T35).
"""

from __future__ import annotations

from proxy.policy.model import Policy
from proxy.records.store import RecordStore
from proxy.server.config import Config
from proxy.server.dressing import Wardrobe
from proxy.server.incoming import Incoming
from proxy.server.observe import Tally
from proxy.server.response import RawResponse
from proxy.server.sites import Site, Sites
from proxy.server.visit import Visit


class Pages:
    def __init__(
        self,
        config: Config,
        policy: Policy,
        sites: Sites,
        wardrobe: Wardrobe,
        store: RecordStore,
        tally: Tally,
    ) -> None:
        self._path = config.consent.path.encode()

    def owns(self, visit: Visit) -> bool:
        return visit.path.startswith(self._path)

    async def answer(self, site: Site, visit: Visit, incoming: Incoming) -> RawResponse:
        return RawResponse(200, [], b"panel")

    def error(self, visit: Visit, status: int) -> RawResponse:
        return RawResponse(status, [], b"error")

    def refusal(self, status: int, incoming: Incoming) -> RawResponse:
        return RawResponse(status, [], b"refused")
