"""The types of reviews: created, answered, never stored."""

from __future__ import annotations

from boatyard.machinery.meta.resource import Resource

_AUTHORIZATION, _AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"
SUBJECT_ACCESS = Resource(_AUTHORIZATION, "v1", "subjectaccessreviews", "SubjectAccessReview", False)
LOCAL_SUBJECT_ACCESS = Resource(_AUTHORIZATION, "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview")
SELF_SUBJECT_ACCESS = Resource(_AUTHORIZATION, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False)
SELF_SUBJECT_RULES = Resource(_AUTHORIZATION, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False)
SELF_SUBJECT = Resource(_AUTHENTICATION, "v1", "selfsubjectreviews", "SelfSubjectReview", False)
TOKEN = Resource(_AUTHENTICATION, "v1", "tokenreviews", "TokenReview", False)
REVIEWS = (SUBJECT_ACCESS, LOCAL_SUBJECT_ACCESS, SELF_SUBJECT_ACCESS, SELF_SUBJECT_RULES, SELF_SUBJECT, TOKEN)
