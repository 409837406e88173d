import FanfareCore
import Support
import Testing

@testable import FanfareServer

@Suite("Health check")
struct HealthCheckTests {
    @Test("a node that lives is good, one that drains is not ready")
    func living() async throws {
        try await withAdminPort(.forTest(isDraining: true)) { admin in
            let health = await HealthCheck.ask(port: admin.port, path: "/healthz")
            #expect(health.isGood)
            #expect(health.text == #"200 {"status":"ok","node":"n1"}"#)
            let ready = await HealthCheck.ask(port: admin.port, path: "/readyz")
            #expect(!ready.isGood)
            #expect(ready.text.contains("draining"))
        }
    }

    @Test("a port where nobody listens is bad news, not a crash")
    func nobody() async {
        let port = FreePort.take()
        let answer = await HealthCheck.ask(port: port, path: "/healthz")
        #expect(!answer.isGood)
        #expect(answer.text.hasPrefix("no answer from 127.0.0.1:\(port)/healthz"))
    }
}
