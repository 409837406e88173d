import FanfareTestKit
import Testing

@Suite("Cluster: JSON that is nested too deep")
struct DepthTests {
    private func nested(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }

    @Test("64 levels are handed on as they came by every way in, 65 by none, and nothing becomes a string")
    func everyWayIn() async throws {
        try await withNode { node in
            let reader = try await node.centrifuge()
            _ = try await reader.subscribe("c")
            let writer = try await node.centrifuge()
            let raw = try await node.raw("c")
            let (good, deep) = (nested(64), nested(65))
            // The limit itself, by all ways.
            #expect(try await writer.publish("c", good).errorCode == nil)
            #expect(try await HTTP.post(node.port, "/channels/c", good).status == 200)
            #expect(try await node.publish("c", good).status == 200)
            try await raw.send(good)
            for _ in 0..<4 {
                let heard = try await reader.nextPublication()
                #expect(heard.data == good)
            }
            // One more, by all ways.
            let refused = try await writer.publish("c", deep)
            #expect(refused.errorCode == 107 && refused.text.contains("nested deeper than 64"), "\(refused.text)")
            let post = try await HTTP.post(node.port, "/channels/c", deep)
            #expect(post.status == 400 && post.body.contains("nested deeper than 64"), "\(post.body)")
            let api = try await node.publish("c", deep)
            #expect(api.status == 400 && api.body.contains("nested deeper than 64"), "\(api.body)")
            let broadcast = try await HTTP.post(
                node.adminPort, "/api/broadcast", #"{"channels":["c"],"data":\#(deep)}"#)
            #expect(broadcast.status == 400)
            try await raw.send(deep)
            let code = try await raw.closeCode()
            #expect(code == 3501)
            // Text that is not JSON has no depth, and the client with the deep command is still there.
            #expect(try await HTTP.post(node.port, "/channels/c", deep + "]").status == 200)
            let text = try await reader.nextPublication()
            #expect(text.data == "\"\(deep)]\"")
            let pong = try await writer.command(#""ping":{}"#)
            #expect(pong.errorCode == nil)
            await reader.close()
            await writer.close()
        }
    }

    @Test("what backends say of clients, and what clients send in requests of their own, have the same limit")
    func otherWaysIn() async throws {
        try await withNode { node in
            let (good, deep) = (nested(64), nested(65))
            let bodies: [(path: String, body: (String) -> String)] = [
                ("subscribe", { #"{"user":"1","channel":"c","info":\#($0)}"# }),
                ("subscribe", { #"{"user":"1","channel":"c","data":\#($0)}"# }),
                ("refresh", { #"{"user":"1","info":\#($0)}"# }),
            ]
            for (path, body) in bodies {
                let fine = try await HTTP.post(node.adminPort, "/api/\(path)", body(good))
                #expect(fine.status == 200, "\(path): \(fine.body)")
                let refused = try await HTTP.post(node.adminPort, "/api/\(path)", body(deep))
                #expect(refused.status == 400 && refused.body.contains(#""code":107"#), "\(path): \(refused.body)")
            }
            let reader = try await node.centrifuge()
            _ = try await reader.subscribe("c")
            let emulated = try await EmulatedClient.connect(node.port, .lines)
            let sockJS = SockJSClient(node.port, "channels/c")
            try await sockJS.open()
            #expect(
                try await emulated.command(#""publish":{"channel":"c","data":\#(good)}"#, through: node.port).errorCode
                    == nil)
            #expect(try await sockJS.send([good]) == 204)
            for _ in 0..<2 {
                let heard = try await reader.nextPublication()
                #expect(heard.data == good)
            }
            let refused = try await emulated.command(#""publish":{"channel":"c","data":\#(deep)}"#, through: node.port)
            #expect(refused.errorCode == 107, "\(refused.text)")
            #expect(try await sockJS.send([deep]) == 204)
            // It hears its own first message, and then the end.
            var frames: [String] = []
            try await eventually("it ends") {
                frames.append(try await sockJS.poll())
                return frames.last?.hasPrefix("c[") == true
            }
            #expect(frames.last?.hasPrefix("c[3501") == true, "\(frames)")
            await emulated.close()
            await reader.close()
        }
    }
}
