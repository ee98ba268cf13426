"""A signed report version as a FHIR R4 bundle (docs/decisions/0013-fhir.md)."""

from portal.reports.fhir.bundle import CONTENT_TYPE, bundle_json

__all__ = ["CONTENT_TYPE", "bundle_json"]
