"""WhatsApp Cloud API (Meta's Graph API).

Facts are from Meta's developer documents on business messaging, summer 2026: webhooks, messages,
business-scoped user ids, error codes.
"""

from recado.channels.contract import Channel
from recado.channels.whatsapp.channel import WhatsAppChannel
from recado.channels.whatsapp.settings import WhatsAppIntegration

__all__ = ["CHANNEL", "WhatsAppChannel", "WhatsAppIntegration"]

CHANNEL: Channel = WhatsAppChannel()
