"""History: the commits of a checkout that changed the functions whose steps changed."""
