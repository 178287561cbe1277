// The main() of every test executable. Compiled once, because Catch2 version 2 brings its whole implementation here.
// A session of our own, sooner than CATCH_CONFIG_MAIN, is written the same for both versions.

#define CATCH_CONFIG_RUNNER
#include <tests/catch.hpp>

int main(int argc, char** argv) {
    Catch::Session session;
    if (const int status = session.applyCommandLine(argc, argv); status != 0) return status;
#if CATCH_VERSION_MAJOR == 2
    // A name that matches no test is a mistake; version 3 thinks so by itself.
    session.configData().warnings =
        static_cast<Catch::WarnAbout::What>(session.configData().warnings | Catch::WarnAbout::NoTests);
#endif
    return session.run();
}
