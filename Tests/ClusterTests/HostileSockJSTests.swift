import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// Requests for sessions of others, too many of them, and pages that should not read what they load.
@Suite("Cluster: SockJS and its limits", .serialized)
struct HostileSockJSTests {
    /// The status of a body, once all nodes have been heard that may know its session.
    private func refusal(of client: SockJSClient) async throws -> Int {
        var status = 503
        try await eventually("an answer of the session's node") {
            status = try await client.post("xhr_send", #"["x"]"#).status
            return status != 503
        }
        return status
    }

    @Test("a session that began with a token is for requests with that token, on its node and on others")
    func foreign() async throws {
        try await withRedis { redis in
            let flags = ["--token-in-query"]
            let (ann, bob) = try await (TestTokens.make(#"{"sub":"ann"}"#), TestTokens.make(#"{"sub":"bob"}"#))
            try await TestTokens.withNode(redis: redis.url, flags: flags) { one in
                try await TestTokens.withNode(redis: redis.url, flags: flags) { two in
                    try await eventually("both are in view") { try await two.metric("fanfare_nodes") == 2 }
                    var client = SockJSClient(one.port, "channels/a")
                    client.query = "?token=\(ann)"
                    // It goes on, so that the session stays for as long as this takes.
                    let stream = try await client.stream()
                    for _ in 0..<2 { _ = try await stream.chunk() }
                    for port in [one.port, two.port] {
                        var stranger = client.through(port)
                        stranger.query = "?token=\(bob)"
                        #expect(try await refusal(of: stranger) == 404)
                        stranger.query = ""
                        #expect(try await refusal(of: stranger) == 404)
                        #expect(try await stranger.post("xhr").status == 401)
                    }
                    try await one.publish("a", "1")
                    #expect(try await stream.chunk() == "a[\"1\"]\n", "its own answer still has it all")
                    await stream.close()
                }
            }
        }
    }

    @Test("who guesses ids has as many tries as its address has connects, whose session takes them has none counted")
    func tries() async throws {
        let flags = [
            "--max-connect-rate-per-address", "1", "--max-message-rate", "0", "--max-publish-rate", "0",
            "--trusted-proxies", "none",
        ]
        try await withNode(flags: flags) { node in
            let client = SockJSClient(node.port, "channels/a")
            try await client.open()
            for _ in 0..<40 { #expect(try await client.send([]) == 204) }
            var statuses: [Int] = []
            try await eventually("it has had its tries; got \(statuses)") {
                statuses.append(try await SockJSClient(node.port, "channels/a").send(["x"]))
                return statuses.last == 429
            }
            #expect(statuses.count > 1 && statuses.dropLast().allSatisfy { $0 == 404 })
            try await eventually("nor does it get sessions") {
                try await SockJSClient(node.port, "channels/a").post("xhr").status == 429
            }
        }
    }

    @Test("sessions that are opened and left are clients of their address, and end by themselves")
    func halfOpen() async throws {
        let flags = ["--max-connections-per-address", "10", "--trusted-proxies", "none"]
        try await withNode(flags: flags) { node in
            // All at once: the first are not to end while the others come.
            let port = node.port
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<60 {
                    group.addTask { try await SockJSClient(port, "channels/a").post("xhr").status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            let (opened, refused) = (statuses.count { $0 == 200 }, statuses.count { $0 == 429 })
            #expect(opened >= 10 && refused > 0 && opened + refused == 60)
            #expect(try await node.metric("fanfare_connections") <= 10)
            try await eventually("all are gone") { try await node.metric("fanfare_connections") == 0 }
            try await SockJSClient(node.port, "channels/a").open()
        }
    }

    @Test("a flood of bodies into one session: what waits is bounded, and the others are not held up")
    func flood() async throws {
        let flags = ["--max-message-rate", "20", "--max-publish-rate", "20"]
        try await withNode(flags: flags) { node in
            let client = SockJSClient(node.port, "channels/flood")
            let reader = try await client.stream()
            _ = try await reader.chunk()
            let other = SockJSClient(node.port, "channels/calm")
            let body = try JSONText.array(Array(repeating: "x", count: 500))
            let sockets = try await (0..<40).asyncMap { _ in
                let socket = try await SocketClient.connect(node.port)
                try await socket.send(
                    "POST \(client.path)/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                return socket
            }
            try await other.open()
            #expect(try await other.send(["y"]) == 204)
            #expect(try await other.messages(1) == ["y"])
            try await eventually("most are refused") {
                try await node.metric(#"fanfare_connections_refused_total{reason="emulation_limit"}"#) >= 36
            }
            for socket in sockets { await socket.close() }
            await reader.close()
        }
    }

    @Test("names of callbacks that say more are refused, and a payload ends no script")
    func injection() async throws {
        try await withNode { node in
            let client = SockJSClient(node.port, "channels/a")
            for name in [
                "", "%20", "*", "abc(", "abc%28", "a%0d%0aX:y", "%3Cscript%3E", String(repeating: "a", count: 33),
            ] {
                let answer = try await client.get("jsonp", "?c=\(name)")
                #expect(answer.status == 500 && answer["x"] == nil && !answer.body.contains("<"), "\(name): \(answer)")
            }
            #expect(try await client.get("jsonp").body.contains(#""callback" parameter required"#))
            let open = try await client.get("jsonp", "?callback=f")
            #expect(open.body == "/**/f(\"o\");\r\n" && open["x-content-type-options"] == "nosniff")
            try await node.publish("a", #""</script><script>alert(1)</script>""#)
            let answer = try await client.get("jsonp", "?c=f")
            #expect(
                answer.body == #"/**/f("a[\"\\\"\u003c/script>\u003cscript>alert(1)\u003c/script>\\\"\"]");"# + "\r\n")
        }
    }

    @Test("only pages that are listed read: by Origin, and where browsers send none, by the page that loads the script")
    func origins() async throws {
        let flags = ["--anonymous", "publish", "--allowed-origins", "https://friend.example"]
        try await withNode(flags: flags, dev: false) { node in
            var client = SockJSClient(node.port, "channels/a")
            client.headers = ["Origin": "https://stranger.example"]
            #expect(try await client.post("xhr").status == 403)
            #expect(try await HTTP.get(node.port, "/sockjs/channels/a/info", headers: client.headers).status == 403)
            client.headers = ["Origin": "https://friend.example"]
            let poll = try await client.post("xhr")
            #expect(poll.status == 200 && poll["access-control-allow-origin"] == "https://friend.example")
            #expect(poll["access-control-allow-credentials"] == "true")
            for (referrer, status) in [
                (nil, 403), ("https://stranger.example/https://friend.example/", 403), ("x", 403),
                ("https://friend.example.stranger.example/", 403), ("https://friend.example/page?x", 200),
            ] as [(String?, Int)] {
                var page = SockJSClient(node.port, "channels/a")
                if let referrer { page.headers["Referer"] = referrer }
                #expect(try await page.get("jsonp", "?c=f").status == status, "\(referrer ?? "none")")
            }
        }
        try await withNode(flags: ["--allowed-origins", "*"]) { node in
            for origin in ["https://a.example", "null"] {
                var client = SockJSClient(node.port, "channels/a")
                client.headers = ["Origin": origin]
                let info = try await HTTP.get(node.port, "/sockjs/channels/a/info", headers: client.headers)
                #expect(info["access-control-allow-origin"] == origin && info["set-cookie"] == nil)
                #expect(info["access-control-allow-credentials"] == "true", "what is the same for everyone")
                let poll = try await client.post("xhr")
                #expect(poll["access-control-allow-origin"] == origin)
                #expect(poll["access-control-allow-credentials"] == nil, "no cookies for all pages")
            }
        }
    }

    @Test("what is switched off is not there, and paths that are none are 404, upgrades too")
    func nowhere() async throws {
        try await withNode(flags: ["--sockjs-path", "off"]) { node in
            let answer = try await HTTP.get(node.port, "/sockjs/centrifuge/info")
            #expect(answer.status == 404)
        }
        try await withNode(flags: ["--sockjs-path", "/realtime"]) { node in
            let info = try await HTTP.get(node.port, "/realtime/centrifuge/info")
            #expect(info.status == 200)
            for path in ["/realtime", "/realtime/x", "/realtimes/centrifuge/info", "/realtime/centrifuge/a/b/c"] {
                #expect(try await HTTP.get(node.port, path).status == 404, "\(path)")
            }
            let upgrade = ["Upgrade": "websocket", "Sec-WebSocket-Version": "13"]
            #expect(try await HTTP.get(node.port, "/realtime/centrifuge/a/b/c", headers: upgrade).status == 404)
            #expect(try await HTTP.get(node.port, "/realtime/channels/%ff/info").status == 400)
            #expect(try await HTTP.get(node.port, "/realtime/centrifuge/iframe.html").status == 404)
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
