import FanfareCore
import FanfareTestKit
import Testing

@testable import FanfareServer

/// Web pages may not use an admin port without a key: not by `no-cors`, not by rebinding a name.
@Suite("Admin gate")
struct AdminGateTests {
    @Test("on loopback, Host is a loopback address, localhost, or a name that was listed; any port")
    func hosts() throws {
        let gate = AdminGate(bound: "127.0.0.1", names: try #require(AdminGate.read("Ops.example, 10.0.0.5")))
        for (host, isOwn) in [
            ("127.0.0.1", true), ("127.0.0.1:9000", true), ("127.9.8.7:1", true), ("localhost:9000", true),
            ("LocalHost", true), ("[::1]:9000", true), ("[::ffff:127.0.0.1]", true), ("ops.example:80", true),
            ("10.0.0.5", true), ("evil.example", false), ("evil.example:9000", false), ("10.0.0.6", false),
            ("localhost.evil.example", false), ("127.0.0.1.evil.example", false), ("0.0.0.0", false), ("", false),
            ("a b@c/../", false), ("127.1", false), ("\u{212A}ops.example", false), ("localhost.", false),
        ] {
            let refusal = gate.refusal(host: host, origins: [], site: nil)
            #expect(refusal?.status == (isOwn ? nil : 421), "\(host)")
        }
        #expect(gate.refusal(host: nil, origins: [], site: nil) == nil, "HTTP/1.0, which no browser speaks")
    }

    @Test("elsewhere every Host will do until names are listed; a page gives itself away in any case")
    func otherNetworks() throws {
        let open = AdminGate(bound: "0.0.0.0", names: [])
        #expect(open.refusal(host: "node:9000", origins: [], site: nil) == nil)
        #expect(
            open.refusal(host: "evil.example:9000", origins: ["http://evil.example:9000"], site: nil)?.status == 403)
        #expect(open.refusal(host: "10.0.0.1:9000", origins: ["http://10.0.0.1:9000"], site: nil) == nil)
        let named = AdminGate(bound: "0.0.0.0", names: try #require(AdminGate.read("node")))
        #expect(named.refusal(host: "node:9000", origins: [], site: nil) == nil)
        #expect(named.refusal(host: "evil.example", origins: [], site: nil)?.status == 421)
    }

    @Test("pages from elsewhere are refused by Origin and by Sec-Fetch-Site")
    func pages() {
        let gate = AdminGate(bound: "::1", names: [])
        let host = "127.0.0.1:9000"
        for (origins, isAllowed) in [
            ([], true), (["http://127.0.0.1:9000"], true), (["http://127.0.0.1:9001"], false),
            (["http://127.0.0.1"], false), (["http://localhost:9000"], false), (["null"], false), ([""], false),
            (["http://evil.example"], false), (["http://127.0.0.1:9000", "http://127.0.0.1:9000"], false),
            (["chrome-extension://a"], false),
        ] {
            #expect(
                gate.refusal(host: host, origins: origins, site: nil)?.status == (isAllowed ? nil : 403), "\(origins)")
        }
        for (site, isAllowed) in [
            ("none", true), ("same-origin", true), ("cross-site", false), ("same-site", false), ("what", false),
        ] {
            #expect(gate.refusal(host: host, origins: [], site: site)?.status == (isAllowed ? nil : 403), "\(site)")
        }
    }

    @Test(
        "what is no name of a host is not taken for one", arguments: ["a:80", "a/b", "http://a", "a b@c", "\u{212A}"])
    func badNames(text: String) {
        #expect(AdminGate.read(text) == nil)
    }

    @Test("what a page can make a browser send publishes nothing and reads nothing, and the answer says what to do")
    func browsers() async throws {
        let broker = ScriptedBroker()
        let metrics = NodeMetrics(loops: 1)
        try await withAdminPort(.forTest(metrics: metrics, broker: broker)) { admin in
            let body = #"{"channel":"c","data":1}"#
            for type in ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
                let answer = try await admin.publish(body, headers: ["Content-Type: \(type)"])
                #expect(answer.status == 415 && answer.body.contains("Content-Type: application/json"), "\(type)")
            }
            let text =
                "POST /api/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            let untyped = try await admin.send(.init(string: text))
            #expect(untyped.status == 415 && untyped["fanfare-node"] == "n1")
            for field in ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
                for (method, path) in [("POST", "/api/publish"), ("GET", "/metrics"), ("POST", "/api/history_remove")] {
                    let answer = try await admin.request(
                        method, path, method == "POST" ? body : nil, headers: [field, "Content-Type: application/json"])
                    #expect(answer.status == 403 && answer.body.contains("admin-api-keys"), "\(field) \(path)")
                }
            }
            let rebound = try await admin.send(
                .init(
                    string: text.replacing(
                        "127.0.0.1", with: "evil.example:\(admin.port)\r\nContent-Type: application/json")))
            #expect(rebound.status == 421 && rebound.body.contains("admin-names"))
            #expect(broker.published.isEmpty)
            #expect(metrics.shared.value(.adminForeign) == 10)
            let good = try await admin.publish(body, headers: ["Content-Type: application/json; charset=utf-8"])
            #expect(good.status == 200 && broker.published.count == 1)
        }
    }

    @Test("with a key it does not matter whence a request comes; without one a page reads no metrics either")
    func keys() async throws {
        var context = AdminContext.forTest(broker: ScriptedBroker())
        context.keys = AdminKeys(["first-key"])
        try await withAdminPort(context) { admin in
            let body = #"{"channel":"c","data":1}"#
            let page = ["Origin: http://evil.example", "Content-Type: application/x-www-form-urlencoded"]
            let withKey = try await admin.publish(body, headers: page + ["X-API-Key: first-key"])
            let without = try await admin.publish(body, headers: page)
            let metrics = try await admin.request("GET", "/metrics", headers: ["Sec-Fetch-Site: same-site"])
            #expect(withKey.status == 200 && without.status == 403 && metrics.status == 403)
        }
    }
}
