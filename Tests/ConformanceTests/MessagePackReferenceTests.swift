import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

/// Our reader of MessagePack against Python's.
@Suite("MessagePack against Python's")
struct MessagePackReferenceTests {
    private func withFile(_ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "messagepack-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    /// The first always, two others anew with each run; a test that fails has its seed in its name, and `FANFARE_TEST_SEED` runs that alone.
    private static let seeds =
        ProcessInfo.processInfo.environment["FANFARE_TEST_SEED"].flatMap { Int($0) }.map { [$0] }
        ?? [1, Int.random(in: 2...1_000_000_000), Int.random(in: 2...1_000_000_000)]

    @Test("what Python writes is read, and of what is broken the same is read and refused", arguments: seeds)
    func values(seed: Int) async throws {
        try await withFile { path in
            _ = try await run("messagepack_reference.py", "values", path, "\(seed)", within: .seconds(240))
            let (read, refused) = try Self.judge(path)
            #expect(read > 1_500 && refused > 500, "\(read), \(refused)")
        }
    }

    @Test("so it is with what fuzzers found and was kept, and with hostile heads")
    func corpus() async throws {
        var lines = [
            "ddffffffff00", "df7fffffff0000", "dcffff", "de000100", "c6ffffffff00", "dbffffffff", "c1", "c9ffffffff00",
            "9500", "820000", "a2c328", "a3eda080", "a2c080", "a4f4908080", "92c1", "81c100", "d9", "cf00", "c70005",
        ]
        for folder in ["/Fuzz/Corpus/messagepack", "/Fuzz/Regressions/messagepack"] {
            let folder = Repository.path + folder
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                // A choice of the target stands before the value.
                let bytes = (FileManager.default.contents(atPath: folder + "/" + name) ?? Data()).dropFirst()
                if !bytes.isEmpty { lines.append(Hexadecimal.text(bytes)) }
            }
        }
        try await withFile { [lines] path in
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            _ = try await run("messagepack_reference.py", "judge", path, within: .seconds(240))
            let (read, refused) = try Self.judge(path)
            #expect(read > 2 && refused >= 18, "\(read), \(refused)")
        }
    }

    /// Holds what is read of each line against what Python read.
    ///
    /// - Returns: how many were read, and how many both refused.
    private static func judge(_ path: String) throws -> (read: Int, refused: Int) {
        var (read, refused) = (0, 0)
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
            try #require(parts.count == 3)
            let said = words(Hexadecimal.bytes(parts[1]))
            // Python refuses a time that is none, which is nothing to a reader of values.
            if parts[2] == "-", said.contains("x-1:") { continue }
            #expect(said == parts[2], "\(line.prefix(2_000))")
            #expect(parts[0] != "whole" || said.hasSuffix(" all"))
            if said == "-" { refused += 1 } else { read += 1 }
        }
        return (read, refused)
    }

    /// The first value of a message and whether something is behind it, as the judge writes them down.
    private static func words(_ message: [UInt8]) -> String {
        var (reader, words, missing) = (MessagePackReader(ByteBuffer(bytes: message)), [String](), 1)
        while missing > 0 {
            missing -= 1
            guard let value = try? reader.next() else { return "-" }
            switch value {
            case .null: words.append("nil")
            case .bool(let isTrue): words.append(isTrue ? "yes" : "no")
            case .negative(let number): words.append("i\(number)")
            case .unsigned(let number): words.append("i\(number)")
            case .double(let number) where number.isNaN: words.append("nan")
            case .double(let number):
                words.append("d" + withUnsafeBytes(of: number.bitPattern.bigEndian) { Hexadecimal.text($0) })
            case .string(let bytes): words.append("s" + Hexadecimal.text(bytes.readableBytesView))
            case .binary(let bytes): words.append("b" + Hexadecimal.text(bytes.readableBytesView))
            case .ext(let type, let bytes): words.append("x\(type):" + Hexadecimal.text(bytes.readableBytesView))
            case .array(let count):
                words.append("a\(count)")
                missing += count
            case .map(let count):
                words.append("m\(count)")
                missing += 2 * count
            }
        }
        return (words + [reader.isAtEnd ? "all" : "more"]).joined(separator: " ")
    }

    @Test("as JSON with attachments a value says what Python reads in it", arguments: seeds)
    func json(seed: Int) async throws {
        try await withFile { path in
            _ = try await run("messagepack_reference.py", "events", path, "\(seed)", within: .seconds(240))
            var lines: [String] = []
            for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                var (reader, json) = (MessagePackReader(ByteBuffer(bytes: Hexadecimal.bytes(line))), MessagePackJSON())
                try json.write(&reader)
                #expect(reader.isAtEnd)
                let attachments = json.attachments.map { "b" + Hexadecimal.text($0.readableBytesView) }
                let text = Hexadecimal.text(json.json.readableBytesView)
                lines.append("\(line)\t\(text)\t\(attachments.joined(separator: ","))\n")
            }
            try lines.joined().write(toFile: path, atomically: true, encoding: .utf8)
            _ = try await run("messagepack_reference.py", "json", path, within: .seconds(240))
        }
    }
}
