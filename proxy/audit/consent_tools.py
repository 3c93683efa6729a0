"""Consent tools that an audit can decide in, by the selectors that their own documents and code name."""

from __future__ import annotations

from typing import NamedTuple


class ConsentTool(NamedTuple):
    """Where a tool shows itself and what to click; `refuse` and `withdraw` may be several clicks in turn."""

    name: str
    shown: str
    accept: tuple[str, ...]
    refuse: tuple[str, ...]
    withdraw: tuple[str, ...] = ()


KNOWN_TOOLS = (
    ConsentTool(
        "tarteaucitron",
        "#tarteaucitronAlertBig",
        ("#tarteaucitronPersonalize2",),
        ("#tarteaucitronAllDenied2",),
        ("#tarteaucitronManager, #tarteaucitronIcon button, #tarteaucitronIcon", "#tarteaucitronAllDenied"),
    ),
    ConsentTool(
        "Klaro",
        ".klaro .cookie-notice:not(.cookie-notice-hidden), .klaro .cookie-modal",
        (".klaro .cm-btn-success, .klaro .cm-btn-accept-all",),
        (".klaro .cn-decline, .klaro .cm-btn-decline",),
    ),
    ConsentTool(
        "vanilla-cookieconsent",
        "#cc-main .cm",
        ('#cc-main .cm__btn[data-role="all"]',),
        ('#cc-main .cm__btn[data-role="necessary"]',),
        ('[data-cc="show-preferencesModal"]', '#cc-main .pm__btn[data-role="necessary"]'),
    ),
    ConsentTool(
        "Orejime",
        ".orejime-Banner, .orejime-Notice",
        (".orejime-Banner-saveButton, .orejime-Notice-saveButton",),
        (".orejime-Banner-declineButton, .orejime-Notice-declineButton",),
    ),
    ConsentTool(
        "OneTrust",
        "#onetrust-banner-sdk",
        ("#onetrust-accept-btn-handler",),
        ("#onetrust-reject-all-handler",),
        (".ot-sdk-show-settings, #ot-sdk-btn", ".ot-pc-refuse-all-handler"),
    ),
    ConsentTool(
        "Cookiebot",
        "#CybotCookiebotDialog",
        ("#CybotCookiebotDialogBodyLevelButtonLevelOptinAllowAll, #CybotCookiebotDialogBodyButtonAccept",),
        ("#CybotCookiebotDialogBodyButtonDecline",),
        ("#CookiebotWidget-btn, .CookiebotWidget-btn", "#CookiebotWidget-btn-withdraw"),
    ),
    ConsentTool(
        "Didomi",
        "#didomi-notice",
        ("#didomi-notice-agree-button",),
        ("#didomi-notice-disagree-button, .didomi-continue-without-agreeing",),
    ),
    ConsentTool(
        "CookieYes",
        ".cky-consent-container:not(.cky-hide)",
        (".cky-notice .cky-btn-accept",),
        (".cky-notice .cky-btn-reject",),
        (".cky-btn-revisit", ".cky-modal .cky-btn-reject, .cky-notice .cky-btn-reject"),
    ),
    ConsentTool(
        "Complianz",
        ".cmplz-cookiebanner:not(.cmplz-hidden)",
        (".cmplz-cookiebanner .cmplz-accept",),
        (".cmplz-cookiebanner .cmplz-deny",),
        (".cmplz-manage-consent", ".cmplz-cookiebanner .cmplz-deny"),
    ),
    ConsentTool(
        "Axeptio",
        "#axeptio_overlay",
        ("#axeptio_btn_acceptAll",),
        ("#axeptio_btn_dismiss",),
    ),
    ConsentTool(
        "Usercentrics",
        "#usercentrics-root",
        ('#usercentrics-root [data-testid="uc-accept-all-button"]',),
        ('#usercentrics-root [data-testid="uc-deny-all-button"]',),
    ),
    ConsentTool(
        "iubenda",
        "#iubenda-cs-banner",
        (".iubenda-cs-accept-btn",),
        (".iubenda-cs-reject-btn",),
    ),
    ConsentTool(
        "Osano",
        ".osano-cm-window .osano-cm-dialog",
        (".osano-cm-accept-all",),
        (".osano-cm-denyAll",),
    ),
    ConsentTool(
        "TrustArc",
        "#truste-consent-track",
        ("#truste-consent-button",),
        ("#truste-consent-required",),
    ),
)
