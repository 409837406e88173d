@testable import FanfareWire

extension FuzzTarget {
    /// The opening handshake: fields from outside. What is accepted was asked for, and names of fields have no case.
    static let handshake = FuzzTarget(name: "handshake", maxBytes: 512) { input in
        var input = input
        let choices = input.byte()
        let method = choices & 7 == 7 ? input.text() : "GET"
        let versions = choices & 0x38 == 0x38 ? (input.pick(3), input.pick(3)) : (1, 1)
        let policy = choices & 0x40 == 0 ? nil : DeflatePolicy(clientContext: choices & 0x80 != 0)
        var headers: [(name: String, value: String)] = []
        while !input.isEmpty, headers.count < 64 {
            let field = input.text()
            let colon = field.firstIndex(of: ":") ?? field.endIndex
            headers.append((name: String(field[..<colon]), value: String(field[colon...].dropFirst())))
        }
        let known = ["centrifuge-json", "fanfare-raw"]
        func check(_ headers: [(name: String, value: String)]) -> Result<
            OpeningHandshake.Acceptance, OpeningHandshake.Refusal
        > {
            OpeningHandshake.check(
                method: method, majorVersion: versions.0, minorVersion: versions.1, headers: headers,
                subprotocols: known, deflate: policy)
        }
        let result = check(headers)
        let upper = check(headers.map { (name: asciiUppercased($0.name), value: $0.value) })
        switch (result, upper) {
        case (.success(let acceptance), .success(let again)):
            expect(acceptance == again, "upper case changes the answer")
            expect(method == "GET" && versions >= (1, 1), "\(method) in HTTP/\(versions)")
            expect(acceptance.key.utf8.count == 24, "key \(acceptance.key)")
            let values = headers.map(\.value).joined(separator: "\n")
            if let chosen = acceptance.subprotocol {
                expect(known.contains(chosen) && values.holds(chosen), "subprotocol \(chosen) out of nowhere")
            }
            guard let deflate = acceptance.deflate else { return }
            let isOffered = values.lowercased().holds("permessage-deflate")
            expect(policy != nil && isOffered, "compression that nobody wanted")
            expect(ExtensionOffer.parse(deflate.answer)?.count == 1, "the answer is against the grammar")
            expect((8...15).contains(deflate.serverWindowBits), "window of \(deflate.serverWindowBits) bits")
        case (.failure(let refusal), .failure(let again)):
            expect(refusal.status == again.status && refusal.message == again.message, "upper case changes the answer")
            expect([400, 405, 426].contains(refusal.status), "status \(refusal.status)")
        default: fatalError("upper case decides")
        }
    }

    private static func asciiUppercased(_ text: String) -> String {
        String(decoding: text.utf8.map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }, as: UTF8.self)
    }
}
