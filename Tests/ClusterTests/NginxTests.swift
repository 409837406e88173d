import FanfareTestKit
import Testing

@Suite("Cluster: nginx", .serialized)
struct NginxTests {
    @Test("the route cookie keeps a client on one node, and is set only when it is missing")
    func sticky() async throws {
        try await withCluster { cluster in
            var nodes: Set<String> = []
            for _ in 0..<30 {
                let first = try await HTTP.get(cluster.port, "/")
                let setCookie = try #require(first["set-cookie"])
                #expect(setCookie.hasPrefix("fanfare_route=") && setCookie.contains("HttpOnly"))
                #expect(setCookie.contains("SameSite=Lax") && !setCookie.contains("Secure"))
                let cookie = try #require(setCookie.split(separator: ";").first.map(String.init))
                let node = try #require(first["fanfare-node"])
                nodes.insert(node)
                let again = try await HTTP.get(cluster.port, "/", headers: ["Cookie": cookie])
                #expect(again["fanfare-node"] == node && again["set-cookie"] == nil)
                let socket = try await WebSocketClient.connect(
                    cluster.port, "/channels/a/ws", headers: ["Cookie": cookie])
                #expect(socket.node == node)
                await socket.close()
            }
            #expect(nodes.count == 3, "clients are spread over the nodes")
            let hostile = try await HTTP.get(
                cluster.port, "/", headers: ["Cookie": "fanfare_route=<script>alert(1)</script>"])
            #expect(hostile.status == 200 && hostile["set-cookie"] != nil, "a cookie that is not ours is replaced")
        }
    }

    @Test("a full node is passed over; when all are full the client gets the node's own 503 with Retry-After")
    func full() async throws {
        try await withCluster(flags: ["--max-connections", "4"]) { cluster in
            var clients: [WebSocketClient] = []
            for _ in 0..<12 { clients.append(try await WebSocketClient.connect(cluster.port, "/channels/a/ws")) }
            for node in cluster.nodes { #expect(try await node.metric("fanfare_connections") == 4) }
            for _ in 0..<10 {
                do {
                    _ = try await WebSocketClient.connect(cluster.port, "/channels/a/ws")
                    Issue.record("there was no place left")
                } catch let refused as WebSocketClient.Refused {
                    #expect(refused.answer.status == 503)
                    #expect(refused.answer["retry-after"] != nil && refused.answer["fanfare-node"] != nil)
                }
            }
            await clients[0].close()
            try await eventually("a place is free") {
                (try? await WebSocketClient.connect(cluster.port, "/channels/a/ws")) != nil
            }
        }
    }

    @Test("the admin port is not reachable through nginx, and its log holds no query and no cookie")
    func privacy() async throws {
        try await withCluster(nodes: 1) { cluster in
            for path in ["/metrics", "/healthz", "/readyz", "/api/publish"] {
                #expect(try await HTTP.get(cluster.port, path).status == 404)
            }
            _ = try await HTTP.get(cluster.port, "/?token=hunter2", headers: ["Cookie": "session=hunter2"])
            try await eventually("the request is logged") { cluster.nginx.log.contains("node=node-1") }
            #expect(!cluster.nginx.log.contains("hunter2"))
        }
    }

    @Test("a dead node costs no request, and a publish over POST arrives once")
    func deadNode() async throws {
        try await withCluster { cluster in
            let witness = try await cluster.nodes[2].raw("once")
            await cluster.nodes[0].kill()
            for number in 0..<30 {
                let answer = try await HTTP.post(cluster.port, "/channels/once?route=p\(number)", "\(number)")
                #expect(answer.status == 200)
                #expect(try await witness.nextText() == "\(number)")
            }
            try await witness.send("end")
            #expect(try await witness.nextText() == "end", "nothing came twice")
        }
    }

    @Test("an upgrade that offers several protocols is one at the nodes and through nginx, and another is none")
    func upgradeLists() async throws {
        try await withCluster(nodes: 1) { cluster in
            for (list, isUpgrade) in [
                ("websocket", true), ("WebSocket", true), ("websocket, h2c", true), ("h2c, websocket", true),
                ("h2c,websocket", true), ("websocket,", true), (", websocket", true), ("h2c , websocket , x", true),
                ("h2c", false), ("xwebsocket", false), ("websocketx", false), ("h2c, websocket2", false),
                ("web socket", false),
            ] {
                for port in [cluster.nodes[0].port, cluster.port] {
                    let client = try await SocketClient.connect(port)
                    try await client.send(
                        "GET /channels/a/ws HTTP/1.1\r\nHost: a\r\nUpgrade: \(list)\r\nConnection: Upgrade\r\n"
                            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                    let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
                    #expect(
                        answer?.status == (isUpgrade ? 101 : 426),
                        "\(list) at \(port == cluster.port ? "nginx" : "node")")
                    await client.close()
                }
            }
        }
    }

    @Test("a preflight and the request behind it pass nginx as they are")
    func preflight() async throws {
        try await withCluster(nodes: 1) { cluster in
            let client = try await SocketClient.connect(cluster.port)
            let origin = "Host: a\r\nOrigin: http://page.example\r\n"
            try await client.send(
                "OPTIONS /channels/a HTTP/1.1\r\n\(origin)Access-Control-Request-Method: POST\r\n"
                    + "Access-Control-Request-Headers: authorization\r\n\r\n")
            let asked = try await client.receive("a preflight's answer") { HTTPAnswer.parse(&$0) }
            #expect(asked?.status == 204 && asked?["access-control-allow-methods"] == "POST")
            try await client.send(
                "POST /channels/a HTTP/1.1\r\n\(origin)Authorization: Basic eA==\r\nContent-Length: 1\r\n\r\nx")
            let sent = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
            #expect(sent?.status == 200)
            for answer in [asked, sent] {
                #expect(answer?["access-control-allow-origin"] == "http://page.example" && answer?["vary"] == "Origin")
            }
            await client.close()
        }
    }
}
