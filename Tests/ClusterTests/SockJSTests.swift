import FanfareTestKit
import Foundation
import NIOCore
import Testing

/// SockJS on one node, request by request.
@Suite("Cluster: SockJS", .serialized)
struct SockJSTests {
    /// A node that serves what the protocol's suite drives.
    private func withEcho(_ body: (Node) async throws -> Void) async throws {
        let node = try await Node.start(command: "echo", flags: ["--sockjs"])
        do { try await body(node) } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    @Test("a poll opens the session, later ones bring all that waits as one frame")
    func polls() async throws {
        try await withEcho { node in
            let client = SockJSClient(node.port, place: "/echo")
            #expect(try await client.send(["early"]) == 404, "there is no session")
            try await client.open()
            #expect(try await client.send(["a", "b"]) == 204)
            #expect(try await client.send([]) == 204)
            #expect(try await client.send(["\u{2028}\"\n"]) == 204)
            #expect(try await client.poll() == #"a["a","b","\u2028\"\n"]"#)
            let answer = try await client.post("xhr_send", #"["x"]"#)
            #expect(answer.body.isEmpty && answer["content-type"] == "text/plain; charset=UTF-8")
            let poll = try await client.post("xhr")
            #expect(poll["content-type"] == "application/javascript; charset=UTF-8")
            #expect(
                poll["cache-control"] == "no-store, no-cache, no-transform, must-revalidate, max-age=0"
                    && poll["set-cookie"] == nil)
        }
    }

    @Test("bodies that are no array of strings are refused, and the session stays")
    func brokenBodies() async throws {
        try await withEcho { node in
            let client = SockJSClient(node.port, place: "/echo")
            try await client.open()
            for (body, words) in [
                ("", "Payload expected."), ("[\"x", "Broken JSON encoding."), ("[1]", "Broken JSON encoding."),
                ("\"x\"", "Broken JSON encoding."), ("[\"\\ud800\"]", "Broken JSON encoding."),
            ] {
                let answer = try await client.post("xhr_send", body)
                #expect(answer.status == 500 && answer.body.contains(words), "\(body): \(answer)")
            }
            #expect(try await client.post("xhr_send", #"["x"]"#, ["Content-Type": "image/png"]).status == 500)
            for type in ["text/plain", "T", "application/json; charset=utf-8", "text/xml"] {
                #expect(try await client.post("xhr_send", #"["x"]"#, ["Content-Type": type]).status == 204)
            }
            #expect(try await client.messages(4).count == 4)
            for data in ["", "d=", "p=p"] {
                let form = ["Content-Type": "application/x-www-form-urlencoded"]
                let answer = try await client.post("jsonp_send", data, form)
                #expect(answer.status == 500 && answer.body.contains("Payload expected."))
            }
        }
    }

    @Test("a second receiver is told of the first, which stays; when the first goes, the session ends")
    func secondReceiver() async throws {
        try await withEcho { node in
            let client = SockJSClient(node.port, place: "/echo")
            let first = try await client.stream()
            #expect(try await first.chunk().utf8.count == 2_049)
            #expect(try await first.chunk() == "o\n")
            #expect(try await client.poll() == #"c[2010,"Another connection still open"]"#)
            let second = try await client.stream()
            _ = try await second.chunk()
            #expect(try await second.chunk() == #"c[2010,"Another connection still open"]"# + "\n")
            #expect(try await second.chunk().isEmpty)
            #expect(try await client.send(["x"]) == 204)
            #expect(try await first.chunk() == "a[\"x\"]\n")
            await first.close()
            await second.close()
            try await eventually("the session has ended") { try await node.metric("fanfare_connections") == 0 }
            #expect(try await client.poll() == #"c[1002,"Connection interrupted"]"#)
        }
    }

    @Test(
        "answers that go on: what stands before the first frame, the frames, the end at the limit, and the session stays"
    )
    func streams() async throws {
        try await withEcho { node in
            for (transport, query, open, message) in [
                ("xhr_streaming", "", "o\n", "a[\"x\"]\n"),
                ("eventsource", "", "data: o\r\n\r\n", "data: a[\"x\"]\r\n\r\n"),
                (
                    "htmlfile", "?c=%63allback", "<script>\np(\"o\");\n</script>\r\n",
                    "<script>\np(\"a[\\\"x\\\"]\");\n</script>\r\n"
                ),
            ] {
                let client = SockJSClient(node.port, place: "/echo")
                let stream = try await client.stream(transport, query)
                #expect(stream.answer.status == 200 && stream.answer["x-accel-buffering"] == "no")
                let prelude = try await stream.chunk()
                #expect(transport == "eventsource" ? prelude == "\r\n" : prelude.utf8.count > 1_024)
                #expect(try await stream.chunk() == open)
                #expect(try await client.send(["x"]) == 204)
                #expect(try await stream.chunk() == message)
                #expect(try await client.send([String(repeating: "x", count: 4_096)]) == 204)
                #expect(try await stream.chunk().utf8.count > 4_096)
                #expect(try await stream.chunk().isEmpty, "it ends where it is as long as it may be")
                #expect(try await client.send(["between"]) == 204)
                #expect(try await client.poll() == #"a["between"]"#)
                await stream.close()
            }
        }
    }

    @Test("an end is told again to whoever asks, then the session is gone and another one opens")
    func ends() async throws {
        try await withEcho { node in
            let client = SockJSClient(node.port, place: "/close")
            try await client.open()
            for _ in 0..<2 { #expect(try await client.poll() == #"c[3000,"Go away!"]"#) }
            #expect(try await client.send(["x"]) == 204, "it is no error to be late")
            let webSocket = try await WebSocketClient.connect(node.port, "/close/000/a/websocket")
            #expect(try await webSocket.nextText() == "o")
            #expect(try await webSocket.nextText() == #"c[3000,"Go away!"]"#)
            #expect(try await webSocket.next() == .close(1000, "Normal closure"))
            await webSocket.close()
            try await eventually("it is forgotten") { try await client.post("xhr_send", "[]").status == 404 }
            try await client.open()
        }
    }

    @Test("a session without a receiver ends after five seconds")
    func gap() async throws {
        try await withEcho { node in
            let client = SockJSClient(node.port, place: "/echo")
            let begun = ContinuousClock.now
            try await client.open()
            #expect(try await node.metric("fanfare_connections") == 1)
            try await eventually("it has ended") { try await node.metric("fanfare_connections") == 0 }
            #expect(ContinuousClock.now - begun > .seconds(4))
            #expect(try await client.send(["x"]) == 404)
            try await client.open()
        }
    }

    @Test("over WebSocket: arrays, single strings and nothing; what is broken ends it; without SockJS' frames, too")
    func webSockets() async throws {
        try await withEcho { node in
            let client = try await WebSocketClient.connect(node.port, "/echo/000/x/websocket")
            let same = try await WebSocketClient.connect(node.port, "/echo/000/x/websocket")
            #expect(try await client.nextText() == "o")
            for text in ["", "[]", #"["a","b"]"#, #""c""#] { try await client.send(text) }
            for letter in ["a", "b", "c"] { #expect(try await client.nextText() == "a[\"\(letter)\"]") }
            #expect(try await HTTP.post(node.port, "/echo/000/x/xhr_send", "[]").status == 404)
            try await client.send(#"["a"#)
            #expect(try await client.next() == .close(3501, "Broken framing."))
            #expect(try await same.nextText() == "o", "an id means nothing here")
            await client.close()
            await same.close()
            let raw = try await WebSocketClient.connect(node.port, "/echo/websocket")
            try await raw.send("[\"a\"")
            #expect(try await raw.nextText() == "[\"a\"")
            await raw.close()
            for (path, status) in [("/disabled_websocket_echo/a/b/websocket", 404), ("/echo/a/b/websocket", 400)] {
                #expect(try await HTTP.get(node.port, path).status == status)
            }
            let wrong = try await HTTP.post(node.port, "/echo/a/b/websocket", "")
            #expect(wrong.status == 405 && wrong["content-type"] == nil && wrong["allow"] != nil && wrong.body.isEmpty)
        }
    }

    @Test("what clients ask first: info, the page for frames, preflights, cookies")
    func around() async throws {
        try await withEcho { node in
            #expect(try await HTTP.get(node.port, "/echo").body == "Welcome to SockJS!\n")
            let info = try await HTTP.get(node.port, "/echo/info", headers: ["Origin": "http://a.example"])
            #expect(info.body.hasPrefix(#"{"websocket":true,"origins":["*:*"],"cookie_needed":false,"entropy":"#))
            #expect(info["access-control-allow-origin"] == "http://a.example" && info["vary"] == "Origin")
            #expect(try await HTTP.get(node.port, "/echo/info")["access-control-allow-origin"] == "*")
            let page = try await HTTP.get(node.port, "/echo/iframe-1.html?t=1")
            let tag = try #require(page["etag"])
            #expect(page.status == 200 && page["expires"]?.hasSuffix(" GMT") == true)
            let again = try await HTTP.get(node.port, "/echo/iframe.html", headers: ["If-None-Match": tag])
            #expect(again.status == 304 && again["content-type"] == nil)
            let preflight = try await SocketClient.connect(node.port)
            try await preflight.send(
                "OPTIONS /echo/a/b/xhr HTTP/1.1\r\nHost: a\r\nOrigin: http://a.example\r\n"
                    + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: a, b\r\n\r\n")
            let allowed = try #require(try await preflight.receive("an answer") { HTTPAnswer.parse(&$0) })
            #expect(allowed.status == 204 && allowed["access-control-allow-headers"] == "a, b")
            #expect(allowed["access-control-max-age"] == "31536000" && allowed["access-control-allow-methods"] != nil)
            await preflight.close()
            var sticky = SockJSClient(node.port, place: "/cookie_needed_echo")
            #expect(try await sticky.post("xhr")["set-cookie"] == "JSESSIONID=dummy; path=/")
            sticky.headers["Cookie"] = "a=b; JSESSIONID=abcdef"
            #expect(try await sticky.post("xhr_send", "[]")["set-cookie"] == "JSESSIONID=abcdef; path=/")
            sticky.headers["Cookie"] = "JSESSIONID=a\"b"
            #expect(try await sticky.post("xhr_send", "[]")["set-cookie"] == "JSESSIONID=dummy; path=/")
        }
    }

    @Test(
        "a channel: what is published there are messages, and messages are published there; heartbeats come meanwhile")
    func channel() async throws {
        try await withNode { node in
            let client = SockJSClient(node.port, "channels/news")
            let other = try await node.raw("news")
            try await client.open()
            try await node.publish("news", #"{"n":1}"#)
            #expect(try await client.messages(1) == [#"{"n":1}"#])
            #expect(try await client.send(["hello"]) == 204)
            #expect(try await other.nextText() == #"{"n":1}"#)
            #expect(try await other.nextText() == "hello")
            #expect(try await client.messages(1) == ["hello"])
            await other.close()
        }
        try await withNode(flags: ["--ping-interval", "200ms", "--pong-timeout", "150ms"]) { node in
            let client = SockJSClient(node.port, "channels/news")
            try await client.open()
            #expect(try await client.poll() == "h")
            let stream = try await client.stream("eventsource")
            _ = try await stream.chunk()
            for _ in 0..<2 { #expect(try await stream.chunk() == "data: h\r\n\r\n") }
            let webSocket = try await WebSocketClient.connect(node.port, "/sockjs/channels/news/0/0/websocket")
            #expect(try await webSocket.nextText() == "o")
            #expect(try await webSocket.nextText() == "h")
            await webSocket.close()
            await stream.close()
        }
    }

    @Test("the Centrifuge protocol in SockJS: commands are messages, and so are replies and pushes")
    func centrifuge() async throws {
        try await withNode { node in
            let client = SockJSClient(node.port, "centrifuge")
            try await client.open()
            #expect(try await client.send([#"{"id":1,"connect":{}}"#]) == 204)
            #expect(try await client.messages(1)[0].contains(#""connect":{"client":"#))
            #expect(try await client.send([#"{"id":2,"subscribe":{"channel":"a"}}"#]) == 204)
            #expect(try await client.messages(1)[0].hasPrefix(#"{"id":2,"subscribe":{"#))
            try await node.publish("a", "7")
            #expect(try await client.messages(1)[0].contains(#""push":{"channel":"a","pub":{"data":7"#))
        }
    }

    @Test(
        "subscribers with filters on one event loop, some of them streams of sessions: each hears each publication once"
    )
    func besideFilters() async throws {
        let flags = ["--loops", "1", "--namespaces", "a: tags-filter"]
        try await withNode(flags: flags) { node in
            var streams: [SockJSStream] = []
            for _ in 0..<3 {
                let client = SockJSClient(node.port, "centrifuge")
                let stream = try await client.stream()
                for _ in 0..<2 { _ = try await stream.chunk() }
                #expect(try await client.send([#"{"id":1,"connect":{}}"#]) == 204)
                #expect(try await stream.chunk().contains("connect"))
                let subscribe = #"{"id":2,"subscribe":{"channel":"a:b","tf":{"key":"k","cmp":"nex"}}}"#
                #expect(try await client.send([subscribe]) == 204)
                let answer = try await stream.chunk()
                #expect(answer.contains("subscribe") && !answer.contains("error"), "\(answer)")
                streams.append(stream)
            }
            for number in 0..<100 { try await node.publish("a:b", "\(number)") }
            for stream in streams {
                var pushes: [String] = []
                while pushes.count < 100 {
                    let frame = try await stream.chunk()
                    if frame != "h\n" { pushes += try SockJSClient.messages(of: String(frame.dropLast())) }
                }
                let numbers = pushes.map { push in (0..<100).first { push.contains("\"data\":\($0)}") } }
                #expect(numbers == Array(0..<100), "\(pushes.prefix(3))")
                await stream.close()
            }
        }
    }

    @Test("a body that waits for the client's rate is answered when it is begun, later than a request may take")
    func heldSend() async throws {
        try await withNode(flags: ["--max-publish-rate", "2", "--handshake-timeout", "6s"]) { node in
            let client = SockJSClient(node.port, "channels/a")
            let stream = try await client.stream()
            for _ in 0..<2 { _ = try await stream.chunk() }
            let messages = (0..<24).map { "\($0)" }
            let begun = ContinuousClock.now
            #expect(try await client.send(messages) == 204)
            #expect(ContinuousClock.now - begun > .seconds(8), "else this shows nothing")
            #expect(try await client.send(["last"]) == 204, "the session is well")
            await stream.close()
        }
    }

    @Test("the end of a stream and the next one behind it on the same connection: the session is free for it")
    func pipelined() async throws {
        try await withEcho { node in
            let client = SockJSClient(node.port, place: "/echo")
            let stream = try await client.stream()
            for _ in 0..<2 { _ = try await stream.chunk() }
            try await stream.socket.send(
                "POST \(client.path)/xhr HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            #expect(try await client.send([String(repeating: "x", count: 4_096)]) == 204)
            #expect(try await stream.chunk().utf8.count > 4_096)
            #expect(try await stream.chunk().isEmpty)
            #expect(try await client.send(["y"]) == 204)
            let next = try #require(try await stream.socket.receive("an answer") { HTTPAnswer.parse(&$0) })
            #expect(next.body == #"a["y"]"# + "\n")
            await stream.close()
        }
    }

    @Test("a stream whose window stays closed ends by itself, with its session and its connection")
    func unread() async throws {
        let flags = ["--slow-timeout", "9s", "--handshake-timeout", "8s"]
        try await withTLSNode(flags: flags) { server in
            let client = try await server.http2(settings: HTTP2TestFrame.setting(4, 0))
            let path = SockJSClient(server.node.port, "channels/a").path
            try await client.send([.request(1, path + "/xhr_streaming", method: "POST")])
            try await eventually("there is a session") {
                try await server.node.metric("fanfare_connections_accepted_total") == 1
            }
            let payload = "\"" + String(repeating: "x", count: 60_000) + "\""
            for _ in 0..<2 { try await server.node.publish("a", payload) }
            #expect(try await client.next { $0.kind == .reset && $0.stream == 1 } != nil)
            for metric in ["fanfare_connections", "fanfare_http2_connections"] {
                try await eventually("nothing is left of it") { try await server.node.metric(metric) == 0 }
            }
            await client.close()
        }
    }

    @Test("a client that takes nothing is cut, and told so")
    func slow() async throws {
        try await withNode(flags: ["--max-queue-bytes", "64KiB"]) { node in
            let client = SockJSClient(node.port, "channels/a")
            try await client.open()
            let payload = "\"" + String(repeating: "x", count: 20_000) + "\""
            for _ in 0..<12 { try await node.publish("a", payload) }
            try await eventually("it is cut") {
                try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            var last = ""
            try await eventually("it is told; got \(last.prefix(80))") {
                last = try await client.poll()
                return last.hasPrefix("c[3008,")
            }
        }
    }
}
