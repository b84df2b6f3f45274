"""Grows the guide curves of the hair styles on the template head."""
