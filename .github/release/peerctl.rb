class Peerctl < Formula
  desc "Sets up cross-tenant Azure virtual network peerings"
  homepage "https://github.com/peerctl/peerctl"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "https://github.com/peerctl/peerctl/releases/download/v@VERSION@/peerctl-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256 peerctl-@VERSION@-aarch64-apple-darwin.tar.gz@"
    end
    on_intel do
      url "https://github.com/peerctl/peerctl/releases/download/v@VERSION@/peerctl-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256 peerctl-@VERSION@-x86_64-apple-darwin.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/peerctl/peerctl/releases/download/v@VERSION@/peerctl-@VERSION@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256 peerctl-@VERSION@-aarch64-unknown-linux-gnu.tar.gz@"
    end
    on_intel do
      url "https://github.com/peerctl/peerctl/releases/download/v@VERSION@/peerctl-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256 peerctl-@VERSION@-x86_64-unknown-linux-gnu.tar.gz@"
    end
  end

  def install
    bin.install "peerctl"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/peerctl.bash" => "peerctl"
    zsh_completion.install "completions/_peerctl"
    fish_completion.install "completions/peerctl.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/peerctl --version")
    system bin/"peerctl", "vendors", "kong"
  end
end
