import NIOCore

/// Takes an answer of HTTP/1.1 apart as it comes: its head, then its body in parts, until it is complete. Takes no trailers and
/// no extensions of chunks. Pure.
struct AnswerReader {
    /// What can't be read.
    struct Mistake: Error, CustomStringConvertible {
        let description: String
    }

    struct Head {
        let status: Int
        fileprivate(set) var fields: [(name: String, value: String)] = []

        /// The value of a field; the name in lower case.
        subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    }

    enum Piece {
        case head(Head)
        case body(ByteBuffer)
        case end
    }

    private enum Place {
        /// Before the next line of the head.
        case head(Head?)
        /// Bytes of the body that are still to come.
        case bytes(Int)
        case untilClose
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case lastChunk
        case done
    }

    /// Longest line.
    private static let maxLineBytes = 16_384

    private var input = ByteBuffer()
    private var place = Place.head(nil)

    mutating func feed(_ bytes: ByteBuffer) { input.writeImmutableBuffer(bytes) }

    /// Whether the answer is complete, now that the connection has ended.
    var isCompleteAtEnd: Bool {
        switch place {
        case .untilClose, .done: true
        default: false
        }
    }

    /// The next piece; `nil` when more must come.
    mutating func next() throws(Mistake) -> Piece? {
        while true {
            switch place {
            case .head(let head):
                guard let line = try line() else { return nil }
                guard line.isEmpty else {
                    place = .head(try Self.read(line, into: head))
                    continue
                }
                guard let head else { throw Mistake(description: "an answer without a status") }
                place = try Self.body(of: head)
                return .head(head)
            case .bytes(0):
                place = .done
                return .end
            case .bytes(let left):
                guard let part = part(left) else { return nil }
                place = .bytes(left - part.readableBytes)
                return .body(part)
            case .untilClose: return part(.max).map { .body($0) }
            case .chunkSize:
                guard let line = try line() else { return nil }
                guard let size = Int(line, radix: 16), size >= 0 else {
                    throw Mistake(description: "a chunk of size '\(line)'")
                }
                place = size == 0 ? .lastChunk : .chunk(size)
            case .chunk(let left):
                guard let part = part(left) else { return nil }
                place = left == part.readableBytes ? .chunkEnd : .chunk(left - part.readableBytes)
                return .body(part)
            case .chunkEnd, .lastChunk:
                guard let line = try line() else { return nil }
                guard line.isEmpty else { throw Mistake(description: "no line break behind a chunk") }
                guard case .lastChunk = place else {
                    place = .chunkSize
                    continue
                }
                place = .done
                return .end
            case .done:
                guard input.readableBytes == 0 else { throw Mistake(description: "bytes behind the answer") }
                return nil
            }
        }
    }

    /// A line without its line break.
    private mutating func line() throws(Mistake) -> String? {
        guard let end = input.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            guard input.readableBytes <= Self.maxLineBytes else { throw Mistake(description: "a line too long") }
            return nil
        }
        let bytes = input.readableBytesView[..<end]
        guard bytes.last == UInt8(ascii: "\r") else { throw Mistake(description: "a line without CR") }
        let line = String(decoding: bytes.dropLast(), as: UTF8.self)
        input.moveReaderIndex(forwardBy: bytes.count + 1)
        return line
    }

    private mutating func part(_ most: Int) -> ByteBuffer? {
        let count = min(most, input.readableBytes)
        guard count > 0, let part = input.readSlice(length: count) else { return nil }
        if input.readableBytes == 0 { input = ByteBuffer() }
        return part
    }

    private static func read(_ line: String, into head: Head?) throws(Mistake) -> Head {
        guard var head else {
            let words = line.split(separator: " ")
            guard line.hasPrefix("HTTP/1."), words.count > 1, let status = Int(words[1]) else {
                throw Mistake(description: "an answer that is not HTTP")
            }
            return Head(status: status)
        }
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, head.fields.count < 100 else { throw Mistake(description: "a field that is none") }
        head.fields.append((parts[0].lowercased(), String(parts[1].drop { $0 == " " })))
        return head
    }

    private static func body(of head: Head) throws(Mistake) -> Place {
        if head.status == 204 { return .bytes(0) }
        if let coding = head["transfer-encoding"] {
            guard coding.lowercased() == "chunked" else { throw Mistake(description: "transfer coding \(coding)") }
            return .chunkSize
        }
        guard let text = head["content-length"] else { return .untilClose }
        guard let length = Int(text), length >= 0 else { throw Mistake(description: "a body of '\(text)' bytes") }
        return .bytes(length)
    }
}
