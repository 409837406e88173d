import NIOCore

/// An HTTP/1.1 answer, as far as a load generator needs it; bounded, for it may come from anything.
package struct HTTPAnswer: Equatable {
    /// What can't be read.
    package struct Mistake: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Longest head.
    static let maxHeadBytes = 16_384
    /// Longest body.
    static let maxBodyBytes = 4_194_304

    package var status: Int
    /// The whole head, in lower case where ASCII.
    package var head: String
    package var body: ByteBuffer

    /// Takes a whole answer off the buffer; `nil` when more must come. A 101 has no body.
    package static func read(_ buffer: inout ByteBuffer) throws(Mistake) -> HTTPAnswer? {
        let view = buffer.readableBytesView
        guard let end = view.prefix(maxHeadBytes).firstRange(of: [13, 10, 13, 10]) else {
            guard view.count < maxHeadBytes else {
                throw Mistake(description: "an answer head of more than \(maxHeadBytes) bytes")
            }
            guard view.starts(with: "HTTP/".utf8.prefix(view.count)) else {
                throw Mistake(description: "an answer that is not HTTP")
            }
            return nil
        }
        let head = String(decoding: view[..<end.lowerBound], as: UTF8.self).lowercased()
        guard head.hasPrefix("http/1."),
            let status = head.split(separator: " ").dropFirst().first.flatMap({ Int($0.prefix(3)) })
        else { throw Mistake(description: "an answer that is not HTTP") }
        var answer = HTTPAnswer(status: status, head: head, body: ByteBuffer())
        let headBytes = end.upperBound - view.startIndex
        guard answer["transfer-encoding"] == nil else {
            throw Mistake(description: "an answer with a transfer coding, which is not supported here")
        }
        let length = status == 101 ? 0 : answer["content-length"].flatMap { Int($0) } ?? 0
        guard (0...maxBodyBytes).contains(length) else {
            throw Mistake(description: "an answer body of \(length) bytes; at most \(maxBodyBytes) are taken")
        }
        guard let body = buffer.getSlice(at: buffer.readerIndex + headBytes, length: length) else { return nil }
        answer.body = body
        buffer.moveReaderIndex(forwardBy: headBytes + length)
        return answer
    }

    /// The value of a header field; the name in lower case.
    package subscript(name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0] == name else { continue }
            return String(parts[1].drop { $0 == " " })
        }
        return nil
    }

    /// The beginning of the body for a person, on one line.
    package var excerpt: String { Printable.text(body.readableBytesView.prefix(200)) }
}

/// What a server says, for a terminal.
enum Printable {
    /// Text without control characters: a server must not move the cursor of a person's terminal.
    static func text(_ bytes: some Collection<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return String(text)
    }
}
