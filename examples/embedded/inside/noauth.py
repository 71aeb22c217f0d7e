"""A paste filter in place of keystonemiddleware's token check: every client is an administrator."""

IDENTITY = {
    "HTTP_X_IDENTITY_STATUS": "Confirmed",
    "HTTP_X_USER_ID": "admin",
    "HTTP_X_USER_NAME": "admin",
    "HTTP_X_PROJECT_ID": "6f70656e737461636b",
    "HTTP_X_PROJECT_NAME": "demo",
    "HTTP_X_ROLES": "admin,member,reader",
    "HTTP_X_SERVICE_CATALOG": "[]",
}


def factory(global_conf, **local_conf):
    def middleware(application):
        def authenticated(environ, start_response):
            environ.update(IDENTITY)
            return application(environ, start_response)

        return authenticated

    return middleware
