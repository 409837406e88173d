import NIOCore

/// An HTTP answer as a test looks at it.
public struct HTTPAnswer: Sendable {
    public let status: Int
    /// In order; names in lower case.
    public let headers: [(name: String, value: String)]
    public let body: String

    /// The value of a header field.
    public subscript(name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }

    /// Reads an answer with a `Content-Length`, or without a body.
    public static func parse(_ bytes: inout ByteBuffer) -> HTTPAnswer? {
        let view = bytes.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: view[..<end.lowerBound], as: UTF8.self)
        var lines = head.split(separator: "\r\n").map(String.init)
        guard !lines.isEmpty,
            let status = lines.removeFirst().split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        let headers = lines.map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count > 1 ? parts[1].drop { $0 == " " }.description : "")
        }
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let headBytes = end.upperBound - view.startIndex
        guard bytes.readableBytes >= headBytes + length else { return nil }
        bytes.moveReaderIndex(forwardBy: headBytes)
        return HTTPAnswer(status: status, headers: headers, body: bytes.readString(length: length) ?? "")
    }
}

/// Single requests to servers on loopback.
public enum HTTP {
    /// GET.
    public static func get(
        _ port: Int, _ path: String, headers: [String: String] = [:], tls: TLSClient? = nil
    ) async throws -> HTTPAnswer {
        try await request(port, "GET", path, headers: headers, body: "", tls: tls)
    }

    /// POST.
    public static func post(
        _ port: Int, _ path: String, _ body: String, headers: [String: String] = [:], tls: TLSClient? = nil
    ) async throws -> HTTPAnswer {
        try await request(port, "POST", path, headers: headers, body: body, tls: tls)
    }

    private static func request(
        _ port: Int, _ method: String, _ path: String, headers: [String: String], body: String, tls: TLSClient?
    ) async throws -> HTTPAnswer {
        let client = try await SocketClient.connect(port, tls: tls)
        var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if path.hasPrefix("/api/"), headers["Content-Type"] == nil { text += "Content-Type: application/json\r\n" }
        if method == "POST" { text += "Content-Length: \(body.utf8.count)\r\n" }
        try await client.send(text + "\r\n" + body)
        let answer = try await client.receive("an answer to \(method) \(path)") { HTTPAnswer.parse(&$0) }
        await client.close()
        guard let answer else { throw NotInTime(what: "an answer to \(method) \(path): connection closed") }
        return answer
    }
}
