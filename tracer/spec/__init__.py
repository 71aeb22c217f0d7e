"""Specs: assertions on a boot that people edit, written from recorded boots and checked against others."""
