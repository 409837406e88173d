import FanfareTestKit
import Foundation
import Testing

/// The commands of README and docs/protocol.md, as they stand there, and whether they answer what stands behind them.
@Suite("curl, as the documentation has it")
struct CurlTests {
    /// A command of the documentation, and what it says of its answer.
    private struct Example {
        let command: String
        /// What stands behind `#`.
        let answer: String

        /// - Parameters:
        ///   - port: where the node is in truth.
        ///   - words: what only a running node knows, by what stands for it.
        func start(_ port: Int, _ words: [String: String] = [:]) throws -> ChildProcess {
            var here = command.replacing(/(localhost|127\.0\.0\.1):8080/, with: "127.0.0.1:\(port)")
            for (word, real) in words { here = here.replacing(word, with: real) }
            // How far it is would stand among what it prints.
            return try ChildProcess(
                "bash", ["-c", "exec \(here) 2>/dev/null"], environment: ["no_proxy": "*"], name: "curl")
        }
    }

    private static func examples(_ files: String...) throws -> [Example] {
        try files.flatMap { file in
            try String(contentsOfFile: Repository.path + "/" + file, encoding: .utf8).split(separator: "\n")
                .filter { $0.hasPrefix("curl ") && $0.contains(":8080/") }.map { line in
                    let parts = line.split(separator: "  #", maxSplits: 1)
                    return Example(
                        command: parts[0].trimmingCharacters(in: .whitespaces),
                        answer: parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
                }
        }
    }

    @Test("streams and publishes")
    func streams() async throws {
        let examples = try Self.examples("README.md", "docs/protocol.md").filter {
            $0.command.contains("/channels/") && !$0.command.contains("/poll?")
        }
        let reading = examples.filter { $0.command.contains("curl -N") }
        let publishing = examples.filter { !$0.command.contains("curl -N") }
        #expect(reading.count >= 3 && !publishing.isEmpty)
        try await withNode { node in
            let readers = try reading.map { try $0.start(node.port) }
            try await eventually("all of them read") {
                try await node.metric("fanfare_connections") == Double(readers.count)
            }
            for example in publishing {
                let curl = try example.start(node.port)
                #expect(try await curl.waitForExit() == 0, "\(example.command)")
                try await eventually("it is told so: \(curl.log)") { curl.log.contains(#"{"result":{}}"#) }
            }
            for reader in readers {
                try await eventually("it has heard: \(reader.log)") {
                    reader.log.contains("data: hello\n") || reader.log.contains(#"{"data":"hello"}"#)
                }
                await reader.stop()
            }
        }
    }

    /// What a command wrote, once it has ended.
    private func output(_ example: Example, _ node: Node, _ words: [String: String] = [:]) async throws -> String {
        let curl = try example.start(node.port, words)
        #expect(try await curl.waitForExit() == 0, "\(example.command): \(curl.log)")
        // Its last line may come after its end.
        try await eventually("an answer to \(example.command): \(curl.log)") {
            curl.log.contains("}") || curl.log.hasPrefix("HTTP/1.1 204 ") && curl.log.contains("\r\n\r\n")
        }
        return curl.log.replacing("\r\n", with: "\n")
    }

    /// The value of a field of an answer.
    private func field(_ name: String, of output: String) throws -> String {
        let line = output.split(separator: "\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
        return String(try #require(line, "\(name) in \(output)").dropFirst(name.count + 2))
    }

    @Test("polls: with positions, and with cursors")
    func polls() async throws {
        let polls = try Self.examples("docs/protocol.md").filter { $0.command.contains("/poll?") }
        try #require(polls.count == 4)
        try await withNode(flags: ["--namespaces", "news: history=10/1h recovery; *: publish=clients"]) { node in
            // `204, Fanfare-Position: 41.k3vxq7ab`
            let first = try await output(polls[0], node)
            #expect(
                polls[0].answer.hasPrefix("204, Fanfare-Position: ") && first.hasPrefix("HTTP/1.1 204 "), "\(first)")
            let position = try field("Fanfare-Position", of: first)
            let parts = position.split(separator: ".")
            let offset = try #require(UInt64(parts[0]))
            try await node.publish("news:1", #"{"text":"hello"}"#)
            let second = try await output(polls[1], node, ["41.k3vxq7ab": position])
            let expected = polls[1].answer.replacing("42.k3vxq7ab", with: "\(offset + 1).\(parts[1])")
            #expect(second.trimmingCharacters(in: .newlines) == expected, "\(second)")

            // `204, Fanfare-Cursor: 5d8f….0`
            let begun = try await output(polls[2], node)
            let documented = try #require(polls[2].answer.split(separator: " ").last.map(String.init))
            #expect(polls[2].answer.hasPrefix("204, Fanfare-Cursor: ") && begun.hasPrefix("HTTP/1.1 204 "), "\(begun)")
            let cursor = try field("Fanfare-Cursor", of: begun)
            #expect(cursor.hasSuffix(".0") && cursor.count == documented.count, "\(cursor)")
            let answer = try await HTTP.post(node.port, "/channels/lobby", "hello")
            #expect(answer.status == 200)
            let heard = try await output(polls[3], node, [documented: cursor])
            #expect(heard.hasPrefix("HTTP/1.1 200 ") && heard.contains("\n\n{\"data\":\"hello\"}"), "\(heard)")
            #expect(polls[3].answer.hasPrefix(#"{"data":"hello"}, and a cursor that ends with .1"#))
            #expect(try field("Fanfare-Cursor", of: heard) == cursor.dropLast() + "1")
        }
    }

    @Test("a stream of the Centrifuge protocol")
    func unidirectional() async throws {
        let example = try #require(
            try Self.examples("docs/protocol.md").first { $0.command.contains("/connection/uni_http_stream") })
        let secret = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(separator: "s")
        let maker = try ChildProcess(
            FanfareBinary.path, ["token", "create", "--user", "42", "--channel", "news", "--expires-in", "0"],
            environment: ["FANFARE_TOKEN_HMAC_SECRET": secret], name: "token")
        #expect(try await maker.waitForExit() == 0, "\(maker.log)")
        try await eventually("a token: \(maker.log)") { maker.log.contains("eyJ") }
        let token = maker.log.trimmingCharacters(in: .whitespacesAndNewlines)
        let flags = ["--token-hmac-secret", secret, "--ping-interval", "1s", "--pong-timeout", "900ms"]
        try await withNode(flags: flags) { node in
            let curl = try example.start(node.port, ["…": token])
            try await eventually("it is connected: \(curl.log)") {
                curl.log.contains(#""ping":1,"subs":{"news":{}}}}"#)
            }
            #expect(curl.log.hasPrefix(#"{"connect":{"client":""#), "\(curl.log)")
            try await node.publish("news", #"{"text":"hello"}"#)
            // As the page has it below the command.
            let page = try String(contentsOfFile: Repository.path + "/docs/protocol.md", encoding: .utf8)
            let push = #"{"channel":"news","pub":{"data":{"text":"hello"}}}"#
            #expect(page.contains("\n\(push)\n{}\n"))
            try await eventually("it hears, and is pinged: \(curl.log)") {
                curl.log.contains("\n\(push)\n") && curl.log.contains("\n{}\n")
            }
            await curl.stop()
        }
    }
}
