module github.com/psp2pss/psp2pss/.ci/tools

go 1.26.0

tool github.com/golangci/golangci-lint/v2/cmd/golangci-lint
