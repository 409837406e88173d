import FanfareAuth
import FanfareTestKit
import JWTKit
import NIOCore
import Testing

@Suite("Cluster: token keys")
struct TokenKeyTests {
    /// A provider's key.
    private struct Key {
        let id: String
        let pem: String
        let json: String

        init(_ id: String) throws {
            let key = ES256PrivateKey()
            let (x, y) = try #require(key.publicKey.parameters)
            func url(_ base64: String) -> String {
                base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
            }
            self.id = id
            pem = key.pemRepresentation
            json = #"{"kty":"EC","crv":"P-256","alg":"ES256","kid":"\#(id)","x":"\#(url(x))","y":"\#(url(y))"}"#
        }

        func token(_ claims: String = #"{"sub":"42"}"#) async throws -> String {
            try TokenSigner.sign(
                claims: ByteBuffer(string: claims), with: await .privateKey(pem: pem), keyID: id)
        }
    }

    @Test("keys from an URL: not ready without them, a new one is learned while the client's commands wait")
    func keySet() async throws {
        let (old, new) = try (Key("old"), Key("new"))
        try await KeySetServer.run { server in
            let node = try await Node.start(
                flags: ["--token-jwks", server.url, "--token-jwks-interval", "500ms", "--users", "publish"], dev: false,
                isReady: false)
            let ready = await node.isReady()
            let early = try await CentrifugeClient.connect(node, token: old.token())
            #expect(!ready && early.errorCode == 100 && early.isTemporary)
            server.answer(#"{"keys":[\#(old.json)]}"#)
            try await eventually("the node has keys") { await node.isReady() }
            let first = try await CentrifugeClient.connect(node, token: old.token())
            #expect(first.errorCode == nil)
            server.answer(#"{"keys":[\#(new.json)]}"#)
            // The interval itself: sooner, the node would not ask again.
            try await Task.sleep(for: .milliseconds(600))
            let client = try await CentrifugeClient.open(node.port)
            try await client.socket.send(
                """
                {"id":1,"connect":{"token":"\(new.token())"}}
                {"id":2,"subscribe":{"channel":"a"}}
                {"id":3,"publish":{"channel":"a","data":1}}
                """)
            let replies = try await [client.read(), client.read()]
            #expect(replies.map(\.id) == [1, 2] && replies.allSatisfy { $0.errorCode == nil }, "\(replies)")
            let heard = try await client.nextPublication()
            #expect(heard.data == "1")
            let retired = try await old.token()
            try await eventually("the old key is gone from the set") {
                try await CentrifugeClient.connect(node, token: retired).errorCode == 101
            }
            // The same for a raw client and a publish over HTTP, with keys that nobody has.
            let stranger = try await Key("stranger").token()
            try await eventually("a key that nobody has is refused for good") {
                do {
                    _ = try await WebSocketClient.connect(
                        node.port, "/channels/a/ws", headers: ["Authorization": "Bearer \(stranger)"])
                    throw NotInTime(what: "a refusal")
                } catch let refused as WebSocketClient.Refused {
                    return refused.answer.status == 401
                }
            }
            let published = try await HTTP.post(
                node.port, "/channels/a", "2", headers: ["Authorization": "Bearer \(new.token())"])
            #expect(published.status == 200)
            #expect(!node.log.contains("hunter2"), "the URL's query is not logged")
            await client.close()
            await node.stop()
        }
    }

    @Test(
        "a key that nobody knows yet is no refusal for good: 100 and 503, also for strangers, and the session goes on")
    func pendingKey() async throws {
        let (known, stranger) = try (Key("known"), Key("stranger"))
        try await KeySetServer.run { server in
            server.answer(#"{"keys":[\#(known.json)]}"#)
            // An hour: within this test it is not asked again.
            let node = try await Node.start(
                flags: ["--token-jwks", server.url, "--token-jwks-interval", "1h"], dev: false)
            for _ in 0..<5 {
                let reply = try await CentrifugeClient.connect(node, token: stranger.token())
                #expect(reply.errorCode == 100 && reply.isTemporary, "\(reply.text)")
                let post = try await HTTP.post(
                    node.port, "/channels/a", "1", headers: ["Authorization": "Bearer \(stranger.token())"])
                #expect(post.status == 503, "\(post)")
            }
            let client = try await CentrifugeClient.open(node.port)
            let begun = try await client.command(
                "\"connect\":{\"token\":\"\(known.token(#"{"sub":"42","exp":4000000000}"#))\"}")
            #expect(begun.errorCode == nil)
            let subscribed = try await client.command(
                "\"subscribe\":{\"channel\":\"$a\",\"token\":\"\(stranger.token(#"{"sub":"42","channel":"$a"}"#))\"}")
            #expect(subscribed.errorCode == 100 && subscribed.isTemporary, "\(subscribed.text)")
            let refreshed = try await client.command(
                "\"refresh\":{\"token\":\"\(stranger.token(#"{"sub":"42","exp":4000000001}"#))\"}")
            #expect(refreshed.errorCode == 100 && refreshed.isTemporary, "\(refreshed.text)")
            #expect(try await client.command(#""ping":{}"#).errorCode == nil)
            await client.close()
            await node.stop()
        }
    }

    @Test("a node whose API others could use without a key does not start, and with keys only they open it")
    func adminKeys() async throws {
        let process = try ChildProcess(
            FanfareBinary.path, ["serve", "--host", "127.0.0.1", "--port", "0", "--admin-host", "0.0.0.0"],
            name: "open")
        let status = try await process.waitForExit()
        #expect(status == 78 && process.log.contains("opens the server API to other machines without a key"))
        let environment = ["FANFARE_ADMIN_API_KEYS": "hunter2-is-a-long-key another-long-key"]
        let node = try await Node.start(flags: ["--admin-host", "0.0.0.0"], environment: environment)
        let body = #"{"channel":"a","data":1}"#
        let without = try await HTTP.post(node.adminPort, "/api/publish", body)
        let with = try await HTTP.post(
            node.adminPort, "/api/publish", body, headers: ["X-API-Key": "another-long-key"])
        let health = try await HTTP.get(node.adminPort, "/healthz")
        let metrics = try await HTTP.get(node.adminPort, "/metrics")
        #expect(without.status == 401 && with.status == 200 && health.status == 200)
        #expect(metrics.body.contains("fanfare_api_unauthorized_total 1\n"))
        try await eventually("the log has it") {
            node.log.contains("server API request refused: no valid key, /api/publish")
        }
        #expect(!(node.log + metrics.body).contains("hunter2"))
        await node.stop()
    }
}
