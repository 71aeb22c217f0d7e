"""Many hosts: an agent in memory on each, reached by ssh, which attaches there and sends what is recorded."""
