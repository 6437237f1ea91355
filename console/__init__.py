"""The HTML door: pages for admins, for people, and at the entrance. No rules, no queries but `visible_to`."""
