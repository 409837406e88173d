import FanfareCore

@testable import FanfareServer

extension FuzzTarget {
    /// Rules of channels, and values of settings: understood within their limits, or told what is wrong.
    static let namespaces = FuzzTarget(name: "namespaces", maxBytes: 512) { input in
        let text = input.remainder
        if let bytes = SettingText.bytes(text), bytes >= 0 {
            expect(SettingText.bytes(SettingText.bytes(bytes)) == bytes, "\(bytes) bytes are written wrongly")
        }
        if let duration = SettingText.duration(text) {
            expect(SettingText.duration(SettingText.duration(duration)) == duration, "\(duration) is written wrongly")
        }
        do throws(NamespaceText.Problem) {
            let book = try NamespaceText.read(text)
            expect(book.namespaces.count <= NamespaceText.maximumCount, "\(book.namespaces.count) namespaces")
            for rules in [book.plain] + book.namespaces.values {
                expect(rules.history.map { $0.size > 0 && $0.age >= .seconds(1) } ?? true, "\(rules)")
                expect(rules.recovery == .off || rules.history != nil, "recovery without history")
                expect(rules.maxMessageBytes ?? 1 > 0, "\(rules)")
                _ = rules.history?.positionAge
            }
        } catch {
            expect(!error.description.isEmpty, "an error without words")
        }
    }
}
