@testable import FanfareWire

extension FuzzTarget {
    /// Positions as clients send them: read is only what is written so, and the field `Last-Event-ID` agrees.
    static let positions = FuzzTarget(name: "positions", maxBytes: 64) { input in
        let text = input.remainder
        let position = StreamPosition(text)
        expect(position == StreamPosition(Substring(text)), "a part of a text reads otherwise")
        // By bytes: a text may begin with a mark that joins the letter before it.
        expect(position == StreamPosition(Substring("x\(text)".utf8.dropFirst())), "a part of a text reads otherwise")
        if let position {
            let again = position.description
            expect(again.utf8.elementsEqual(text.utf8), "'\(text)' is written as '\(again)'")
            expect(text.utf8.count <= StreamPosition.maximumTextBytes, "\(text.utf8.count) bytes")
        }
        let field: StreamPosition?
        do {
            field = try LastEventID.position([text])
            expect(field != nil || text.isEmpty, "'\(text)' is taken for no id")
        } catch {
            field = nil
            expect(!text.isEmpty, "an empty field is refused: \(error)")
        }
        expect(field == position, "two readings of '\(text)'")
        expect((try? LastEventID.position([text, text])) == nil, "two fields are one")
    }
}
