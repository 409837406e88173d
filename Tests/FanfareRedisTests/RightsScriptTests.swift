import Testing

@testable import FanfareRedis

@Suite("Rights script")
struct RightsScriptTests {
    /// Commands that a script names.
    private func commands(_ source: String) -> Set<String> {
        Set(source.matches(of: /redis\.p?call\('([A-Z]+)'/).map { String($0.output.1) })
    }

    @Test("it tries every command that the scripts of histories and members use")
    func complete() {
        let used = RedisScript.allCases.filter { $0 != .rights }.reduce(into: Set<String>()) {
            $0.formUnion(commands($1.source))
        }
        let tried = Set(RightsScript.source.matches(of: /try\('([A-Z]+)'/).map { String($0.output.1) })
        #expect(used.count > 20 && used.subtracting(tried) == [])
    }
}
