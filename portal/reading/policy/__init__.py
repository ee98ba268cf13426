"""How a laboratory reads: its policy, and what the policy was."""
