"""Value-based planning and contracting: outcomes over cost, their frontier, regional funds, effects of contracts."""
