import FanfareTestKit
import NIOCore
import Testing

/// Requests for sessions that are none, too many, or of those who may not; and clients that take or answer nothing.
@Suite("Cluster: emulation and its limits", .serialized)
struct HostileEmulationTests {
    @Test("a session is its secret: made-up ones, those of others' ids and those of the past get the same 404")
    func forged() async throws {
        try await withEmulation(2) { cluster in
            let client = try await EmulatedClient.connect(cluster.nodes[0].port, .lines)
            let gone = try await EmulatedClient.connect(cluster.nodes[0].port, .lines)
            let webSocket = try await cluster.nodes[0].centrifuge()
            _ = try await client.command(#""subscribe":{"channel":"chat:a"}"#, through: cluster.port)
            await gone.close()
            try await eventually("it is gone") { try await cluster.nodes[0].metric("fanfare_connections") == 2 }
            let secret = String(client.session.suffix(32))
            let nowhere = "ffffffff-ffff-ffff-ffff-ffffffffffff.\(secret)"
            for node in cluster.nodes {
                // At first a node does not know whether there is one that it has not heard of.
                try await eventually("\(node.name) knows all nodes") {
                    let answer = try await client.post("{}", through: node.port, session: nowhere)
                    #expect(answer.status == 404 || answer.status == 503 && answer["retry-after"] != nil, "\(answer)")
                    return answer.status == 404
                }
            }
            let flipped = client.session.dropLast() + (client.session.hasSuffix("0") ? "1" : "0")
            for session in [
                String(flipped), client.clientID, "\(client.clientID).\(String(repeating: "0", count: 32))",
                "\(webSocket.clientID).\(secret)", gone.session, "", "x", String(repeating: "a", count: 5_000),
                nowhere, client.session.uppercased(), client.session + " ",
            ] {
                for node in cluster.nodes {
                    let answer = try await client.post(
                        #"{"id":9,"publish":{"channel":"chat:a","data":"forged"}}"#, through: node.port,
                        session: session)
                    #expect(answer.status == 404 && answer.body.hasPrefix("no such session"), "\(session): \(answer)")
                }
            }
            let own = try await client.command(#""publish":{"channel":"chat:a","data":"own"}"#, through: cluster.port)
            #expect(own.errorCode == nil)
            #expect(try await client.nextData() == #""own""#)
            var refused = 0.0
            for node in cluster.nodes {
                refused += try await node.metric(#"fanfare_connections_refused_total{reason="no_session"}"#)
                #expect(!node.log.contains(secret), "no log has a secret")
            }
            // And one with which each node was asked whether it knows all.
            #expect(refused == 24)
            await webSocket.close()
            await client.close()
        }
    }

    @Test(
        "who makes up sessions has as many tries as its address has connects, whose session takes them has none counted"
    )
    func tries() async throws {
        let flags =
            EmulatedClient.flags + [
                "--max-connect-rate-per-address", "1", "--max-message-rate", "0", "--trusted-proxies", "none",
            ]
        try await withNode(flags: flags) { node in
            let client = try await EmulatedClient.connect(node.port, .lines)
            for _ in 0..<60 { #expect(try await client.post("{}", through: node.port).status == 204) }
            var statuses: [Int] = []
            try await eventually("it has had its tries; got \(statuses)") {
                statuses.append(try await client.post("{}", through: node.port, session: "x").status)
                return statuses.last == 429
            }
            #expect(statuses.count > 1 && statuses.dropLast().allSatisfy { $0 == 404 })
            await client.close()
        }
    }

    @Test("bodies that are none: 400, 413, 415; the session stays; what can't be a command ends it as on a WebSocket")
    func hostileBodies() async throws {
        try await withNode(flags: EmulatedClient.flags + ["--max-message-bytes", "4KiB"]) { node in
            let client = try await EmulatedClient.connect(node.port, .lines)
            let session = client.session
            for (body, status) in [
                ("", 400), ("x", 400), ("[]", 400), (#"{"session":"\#(session)"}"#, 400),
                (#"{"session":"\#(session)","data":{"id":1}}"#, 400),
                (#"{"session":"\#(session)","data":"\ud800"}"#, 400),
                (String(repeating: "x", count: 4_097), 413),
            ] {
                let answer = try await HTTP.post(node.port, "/emulation", body)
                #expect(answer.status == status, "\(body.prefix(80)): \(answer.body)")
            }
            // JSON is no Protobuf.
            let binary = ["Content-Type": "application/octet-stream"]
            #expect(try await client.post("{}", through: node.port, headers: binary).status == 400)
            let packed = ["Content-Encoding": "gzip"]
            #expect(try await client.post("{}", through: node.port, headers: packed).status == 415)
            #expect(try await HTTP.get(node.port, "/emulation").status == 405)
            #expect(try await client.command(#""subscribe":{"channel":"a"}"#, through: node.port).errorCode == nil)
            #expect(try await client.post("not a command", through: node.port).status == 204)
            #expect(try await client.read().text.hasPrefix(#"{"push":{"disconnect":{"code":3501,"#))
            try await client.stream.readToEnd()
            #expect(client.stream.chunks?.hasEnded == true)
            #expect(try await client.post("{}", through: node.port).status == 404)
            for (form, first) in [(EmulatedClient.Form.lines, "x"), (.events, "x"), (.lines, #"{"id":1,"ping":{}}"#)] {
                let other = try await EmulatedClient.open(node.port, form, first: first)
                #expect(try await other.read().text.hasPrefix(#"{"push":{"disconnect":{"code":3501,"#))
                await other.close()
            }
            for form in EmulatedClient.Form.allCases {
                #expect(try await EmulatedClient.open(node.port, form, first: "").stream.answer.status == 400)
            }
        }
    }

    @Test("pages of listed origins may open streams and send, others get 403")
    func origins() async throws {
        let flags = ["--anonymous", "publish", "--allowed-origins", "https://friend.example"]
        try await withNode(flags: flags, dev: false) { node in
            let (friend, stranger) = (["Origin": "https://friend.example"], ["Origin": "https://stranger.example"])
            let client = try await EmulatedClient.connect(node.port, .lines, headers: friend)
            #expect(client.stream.answer["access-control-allow-origin"] == "https://friend.example")
            #expect(try await client.post("{}", through: node.port, headers: friend).status == 204)
            #expect(try await client.post("{}", through: node.port, headers: stranger).status == 403)
            for (path, methods) in [
                ("/emulation", "POST"), ("/connection/http_stream", "POST"), ("/connection/sse", "GET, POST"),
            ] {
                let asked = try await StreamClient.connect(
                    node.port, path,
                    headers: friend.merging(["Access-Control-Request-Method": "POST"]) { $1 }, method: "OPTIONS")
                #expect(asked.answer.status == 204 && asked.answer["access-control-allow-methods"] == methods)
                #expect(asked.answer["access-control-allow-headers"]?.contains("content-type") == true)
                await asked.close()
            }
            for form in EmulatedClient.Form.allCases {
                let refused = try await EmulatedClient.open(
                    node.port, form, first: #"{"id":1,"connect":{}}"#, headers: stranger)
                #expect(refused.stream.answer.status == 403)
                await refused.close()
            }
            await client.close()
        }
    }

    @Test(
        "a client that sends faster than it may is held back, then refused with 429, and loses nothing that was taken")
    func rates() async throws {
        try await withNode(flags: EmulatedClient.flags + ["--max-message-rate", "5", "--max-commands", "20"]) { node in
            let client = try await EmulatedClient.connect(node.port, .events)
            _ = try await client.command(#""subscribe":{"channel":"chat:a"}"#, through: node.port)
            var taken: [String] = []
            var refused = 0
            for number in 0..<5_000 where refused == 0 {
                let answer = try await client.post(
                    #"{"id":\#(number + 100),"publish":{"channel":"chat:a","data":\#(number)}}"#, through: node.port)
                if answer.status == 204 {
                    taken.append("\(number)")
                } else {
                    #expect(answer.status == 429 && answer["retry-after"] != nil)
                    refused += 1
                }
            }
            #expect(refused == 1 && taken.count > 30)
            for number in taken { #expect(try await client.nextData() == number) }
            #expect(try await node.metric(#"fanfare_throttled_total{limit="messages"}"#) >= 1)
            #expect(try await node.metric(#"fanfare_connections_refused_total{reason="emulation_limit"}"#) == 1)
            await client.close()
        }
    }

    @Test("a client that answers no ping ends with 3012, one that answers by a request stays")
    func pings() async throws {
        let flags = EmulatedClient.flags + ["--ping-interval", "6s", "--pong-timeout", "5s"]
        try await withNode(flags: flags) { node in
            let silent = try await EmulatedClient.connect(node.port, .events)
            let alive = try await EmulatedClient.connect(node.port, .lines)
            let pongs = Task {
                while !Task.isCancelled {
                    _ = try? await alive.post("{}", through: node.port)
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            #expect(try await silent.read().text.hasPrefix(#"{"push":{"disconnect":{"code":3012,"#))
            try await eventually("the other was pinged, too") { try await node.metric("fanfare_pings_sent_total") >= 3 }
            #expect(try await alive.command(#""subscribe":{"channel":"a"}"#, through: node.port).errorCode == nil)
            pongs.cancel()
            for client in [silent, alive] { await client.close() }
        }
    }

    @Test("a client that takes nothing is cut with 3008, told behind a whole message", arguments: ["1.1", "1.0"])
    func slow(version: String) async throws {
        let flags = ["--slow-timeout", "500ms", "--max-queue-bytes", "256KiB", "--close-timeout", "30s"]
        try await withNode(flags: EmulatedClient.flags + flags) { node in
            let slow = try PlainSocket(node.port, receiveBuffer: 4_096, segment: 536)
            let commands =
                "%7B%22id%22:1,%22connect%22:%7B%7D%7D%0A%7B%22id%22:2,%22subscribe%22:%7B%22channel%22:%22a%22%7D%7D"
            slow.send(
                ByteBuffer(
                    string: "GET /connection/sse?cf_connect=\(commands) HTTP/\(version)\r\nHost: a\r\n\r\n"))
            try await eventually("it is subscribed") {
                slow.push()
                return try await node.metric("fanfare_subscriptions") == 1
            }
            let text = "\"" + String(repeating: "x", count: 50_000) + "\""
            try await eventually("it is cut") {
                try await node.publish("a", text)
                return try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            let heard = try await slow.readEvents().map(\.data.string)
            #expect(heard.last?.hasPrefix(#"{"push":{"disconnect":{"code":3008,"#) == true)
            #expect(heard.dropFirst(2).dropLast().allSatisfy { $0.hasSuffix("x\"}}}") } && heard.count > 3)
            try await eventually("nothing waits") { try await node.metric("fanfare_queue_bytes") == 0 }
        }
    }
}
