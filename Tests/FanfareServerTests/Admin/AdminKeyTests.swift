import FanfareCore
import Testing

@testable import FanfareServer

@Suite("Admin port: keys")
struct AdminKeyTests {
    private let body = #"{"channel":"c","data":1}"#

    private func withKeys(_ keys: [String], _ body: (AdminPort, NodeMetrics) async throws -> Void) async throws {
        let metrics = NodeMetrics(loops: 1)
        var context = AdminContext.forTest(metrics: metrics)
        context.keys = AdminKeys(keys)
        try await withAdminPort(context) { try await body($0, metrics) }
    }

    @Test(
        "each of the keys opens the API, in both fields",
        arguments: [
            "Authorization: apikey first-key", "Authorization: apikey second-key", "authorization: ApiKey   first-key",
            "X-API-Key: first-key", "x-api-key: second-key",
        ])
    func accepted(field: String) async throws {
        try await withKeys(["first-key", "second-key"]) { admin, metrics in
            let answer = try await admin.publish(body, headers: [field])
            #expect(answer.status == 200)
            #expect(metrics.shared.value(.apiUnauthorized) == 0)
        }
    }

    @Test(
        "without one there is a 401, a counter, and nothing is published",
        arguments: [
            nil, "Authorization: apikey", "Authorization: apikey ", "Authorization: apikey first-ke",
            "Authorization: apikey first-key2", "Authorization: Bearer first-key", "Authorization: first-key",
            "Authorization: apikey first-key second-key", "X-API-Key: ", "X-API-Key: First-key",
            "X-API-Key: first-key second-key",
        ])
    func refused(field: String?) async throws {
        try await withKeys(["first-key", "second-key"]) { admin, metrics in
            for path in ["/api/publish", "/api/broadcast"] {
                let answer = try await admin.request("POST", path, body, headers: field.map { [$0] } ?? [])
                #expect(answer.status == 401)
                #expect(answer["www-authenticate"] == "apikey")
                #expect(!answer.body.contains("first-key"))
            }
            #expect(metrics.shared.value(.apiUnauthorized) == 2)
            #expect(metrics.shared.value(.apiPublications) == 0)
        }
    }

    @Test("metrics and health need no key", arguments: ["/metrics", "/healthz", "/readyz"])
    func open(path: String) async throws {
        try await withKeys(["first-key"]) { admin, _ in
            let answer = try await admin.request("GET", path)
            #expect(answer.status == 200)
            #expect(!answer.body.contains("first-key"))
        }
    }

    @Test("a node whose keys for tokens are not there yet is not ready and says why")
    func tokenKeys() async throws {
        var context = AdminContext.forTest()
        context.tokenProblem = { "the token keys were never read" }
        try await withAdminPort(context) { admin in
            let answer = try await admin.request("GET", "/readyz")
            #expect(answer.status == 503)
            #expect(answer.body.contains("the token keys were never read"))
        }
    }
}
