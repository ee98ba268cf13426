"""Who somebody is, and what that person may do."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.accounts.choices import ROLE_ACTIONS
from portal.accounts.models import Laboratory, Membership, User


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """A role in a laboratory, and what it covers."""

    laboratory: "serializers.SlugRelatedField[Laboratory]" = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )
    laboratory_name = serializers.CharField(source="laboratory.name")
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ("laboratory", "laboratory_name", "role", "actions")

    def get_actions(self, membership: Membership) -> list[str]:
        """What the role allows."""
        return sorted(ROLE_ACTIONS[membership.role])


class MeSerializer(serializers.ModelSerializer[User]):
    """Whose token this is."""

    memberships = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("email", "full_name", "memberships")

    @extend_schema_field(MembershipSerializer(many=True))
    def get_memberships(self, user: User) -> Any:
        """The laboratories you belong to."""
        return MembershipSerializer(user.active_memberships, many=True).data
